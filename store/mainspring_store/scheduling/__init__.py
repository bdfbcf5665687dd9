"""Writes of the scheduler. `begin_pass` opens the transaction of a pass; the parts of a pass are grouped by duty."""

from mainspring_store.scheduling.awaited_ends import WaitingDag
from mainspring_store.scheduling.due_runs import DueDag, Plan
from mainspring_store.scheduling.reports import note_never_claimed, unstopped_cancels
from mainspring_store.scheduling.transaction import Pass, begin_pass
from mainspring_store.state.records import (
    AttemptEnd,
    Candidate,
    ChildRun,
    CrowdedKey,
    DueWork,
    LateReport,
    LiveAttempt,
    NewAttempt,
    RunFacts,
    StartableRun,
    StateUpdate,
    TakenSignal,
    TurnFacts,
)

__all__ = [
    "AttemptEnd",
    "Candidate",
    "ChildRun",
    "CrowdedKey",
    "DueDag",
    "DueWork",
    "LateReport",
    "LiveAttempt",
    "NewAttempt",
    "Pass",
    "Plan",
    "RunFacts",
    "StartableRun",
    "StateUpdate",
    "TakenSignal",
    "TurnFacts",
    "WaitingDag",
    "begin_pass",
    "note_never_claimed",
    "unstopped_cancels",
]
