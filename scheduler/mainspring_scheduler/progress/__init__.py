"""Reports of executors become states of task instances."""
