"""The state of runs and task instances, and the effects of a change of state."""
