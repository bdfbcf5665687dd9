"""Kill trials: whole processes, real servers, and faults at every named place. `./dev chaos`; see docs/testing.md.

`stage` runs all parts under a supervisor, `faults` draws what happens to them from a seed, `trial` is one trial from
its DAG to its verdict, `deed` what its callables do, `witness` judges what the tasks themselves wrote, `record` keeps
the results.
"""
