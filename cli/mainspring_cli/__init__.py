"""The `mainspring` command."""
