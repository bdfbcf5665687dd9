"""Messages between the scheduler and a task host."""
