"""Executors: the contract, `thread`, `local` and `rq`, and the task types they carry out."""
