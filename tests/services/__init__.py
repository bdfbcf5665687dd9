"""Real servers for tests and benchmarks, started from packages on the index: nothing to install by hand."""
