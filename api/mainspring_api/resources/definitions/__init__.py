"""DAGs, their versions, tasks and schedules."""
