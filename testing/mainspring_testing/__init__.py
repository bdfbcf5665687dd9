"""Runs a DAG in one process, with the real engine on a temporary SQLite database: for tests, and for a quick look."""

from mainspring_testing.results import RunResult, TaskResult
from mainspring_testing.runs import run_dag

__all__ = ["RunResult", "TaskResult", "run_dag"]
