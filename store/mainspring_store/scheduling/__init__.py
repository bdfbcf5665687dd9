"""What the scheduler writes. `begin_pass` opens one transaction; its parts are grouped by duty."""

from mainspring_store.scheduling.due_runs import DueDag, Plan
from mainspring_store.scheduling.reports import note_never_claimed, unstopped_cancels
from mainspring_store.scheduling.transaction import Pass, begin_pass
from mainspring_store.state.records import (
    Agenda,
    AttemptEnd,
    Candidate,
    ChildRun,
    Decided,
    LateReport,
    LiveAttempt,
    NewAttempt,
    RunFacts,
    StartableRun,
)

__all__ = [
    "Agenda",
    "AttemptEnd",
    "Candidate",
    "ChildRun",
    "Decided",
    "DueDag",
    "LateReport",
    "LiveAttempt",
    "NewAttempt",
    "Pass",
    "Plan",
    "RunFacts",
    "StartableRun",
    "begin_pass",
    "note_never_claimed",
    "unstopped_cancels",
]
