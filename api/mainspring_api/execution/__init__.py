"""The execution API: what remote workers call. A separate application, so that waits and streams cannot starve
claims."""

from mainspring_api.execution.app import ExecutionSettings, close_execution_app, create_execution_app

__all__ = ["ExecutionSettings", "close_execution_app", "create_execution_app"]
