"""The task host: the child process of a scheduler in which, or under which, tasks run."""
