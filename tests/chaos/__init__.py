"""Kill trials: whole processes, real servers, and faults at every named place. `./dev chaos`; see docs/testing.md.

`installation` runs all parts under a supervisor. `faults` draws the faults of a trial from a seed. `trial` is one trial
from its DAG to its verdict. `task_body` holds the callables of the tasks. `execution_log` judges what the tasks wrote.
`small_disk` is the disk that a trial can fill. `record` keeps the results.
"""
