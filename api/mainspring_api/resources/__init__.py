"""The public operations, a folder for each subject."""
