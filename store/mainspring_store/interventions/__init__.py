"""Changes of existing runs by users: clear and mark. A change is a single transaction under the locks of its runs."""

from mainspring_store.interventions.clearing import Clear, clear, preview_clear
from mainspring_store.interventions.marking import Mark, mark, mark_run, preview_mark, requeue_run
from mainspring_store.interventions.running_version import change_run_version
from mainspring_store.interventions.targets import RunSelection, TaskSelection
from mainspring_store.resources.notes import set_instance_notes

__all__ = [
    "Clear",
    "Mark",
    "RunSelection",
    "TaskSelection",
    "change_run_version",
    "clear",
    "mark",
    "mark_run",
    "preview_clear",
    "preview_mark",
    "requeue_run",
    "set_instance_notes",
]
