"""The service itself: health, jobs, metrics, workers, version, event logs."""
