"""One module for each duty of a scheduler pass."""
