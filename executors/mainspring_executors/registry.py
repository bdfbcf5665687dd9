"""Executors by name."""

from importlib import import_module

from mainspring.errors import ExecutorError
from mainspring_executors.contract import Executor
from mainspring_executors.settings import ExecutorSettings

__all__ = ["open_executor"]

_BUILT_IN = {
    "thread": "mainspring_executors.local.thread:ThreadExecutor",
    "local": "mainspring_executors.local.local:LocalExecutor",
    "rq": "mainspring_executors.rq.executor:RqExecutor",
}
_GROUP = "mainspring.executors"


def open_executor(name: str, settings: ExecutorSettings) -> Executor:
    """Open an executor, which the caller must close. Raises `ExecutorError` for an unknown name or bad settings.

    An installed package adds an executor by an entry point in the group `mainspring.executors`. The built-in names win.
    """
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        factory = getattr(import_module(module), attribute)
    else:
        # Slow to import, and every task host imports this package.
        from importlib.metadata import entry_points

        points = [point for point in entry_points(group=_GROUP) if point.name == name]
        if not points:
            names = sorted({*_BUILT_IN, *(point.name for point in entry_points(group=_GROUP))})
            raise ExecutorError(f"there is no executor '{name}'; known: {', '.join(names)}")
        factory = points[0].load()
    executor: Executor = factory(settings)
    return executor
