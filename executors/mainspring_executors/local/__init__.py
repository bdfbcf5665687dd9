"""The scheduler's side of the thread and local executors."""
