"""Clears and marks that come while the scheduler is at work, in another thread and another transaction."""

from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest

from mainspring.attempts import Finished, Outcome, Started
from mainspring.states import StateReason, TaskState
from mainspring_store.interventions import Clear, Mark, RunSelection, TaskSelection, clear, mark
from mainspring_store.resources.versions import Versions
from tests.scheduler.engine import Engine

TASKS: dict[str, Any] = {
    "list": {},
    "load": {"depends_on": ["list"], "expand": {"n": [1, 2, 3]}, "retries": 1, "retry_delay": "0s"},
    "alarm": {"depends_on": ["load"], "trigger_rule": "one_failed"},
    "join": {"depends_on": ["load", "side"], "trigger_rule": "all_done"},
    "side": {"max_active_tis_per_dag": 1},
}
INTERVENTIONS = 40


def intervene(engine: Engine, random: Random) -> int:
    """Clear or mark something at random, again and again; returns how many instances that changed."""
    versions, changed = Versions(engine.database), 0
    for _ in range(INTERVENTIONS):
        runs = RunSelection(run_id=random.choice(["r1", "r2", None]))
        tasks = TaskSelection(
            task_ids=[random.choice([*TASKS])],
            include_upstream=random.random() < 0.3,
            include_downstream=random.random() < 0.5,
        )
        now = engine.clock.now()
        if random.random() < 0.6:
            changed += len(clear(engine.database, versions, "etl", Clear(runs=runs, tasks=tasks), now=now))
        else:
            state = random.choice([TaskState.SUCCESS, TaskState.FAILED, TaskState.SKIPPED])
            request = Mark(state=state, runs=runs, tasks=tasks)
            changed += len(mark(engine.database, versions, "etl", request, by="test", now=now))
    return changed


def carry_out(engine: Engine, random: Random) -> None:
    """Start and end what was submitted, as luck has it, and pass once."""
    for attempt in engine.executor.open:
        if random.random() < 0.3:
            continue
        outcome = random.choice([Outcome.SUCCESS, Outcome.SUCCESS, Outcome.FAILED])
        reason = None if outcome is Outcome.SUCCESS else StateReason.EXIT_CODE
        at = engine.clock.now()
        engine.executor.report(
            Started(attempt_id=attempt.attempt_id, seq=1, at=at, hostname="here", pid=1),
            Finished(attempt_id=attempt.attempt_id, seq=2, at=at, outcome=outcome, reason=reason),
        )
        engine.executor.finished.add(attempt.attempt_id)
    engine.step()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_books_are_right_after_clears_and_marks_in_the_midst_of_passes(engine: Engine, seed: int) -> None:
    version = engine.save("etl", TASKS)
    for run_id in ("r1", "r2"):
        engine.trigger(version, run_id)
    random = Random(seed)
    with ThreadPoolExecutor(1) as pool:
        meddling = pool.submit(intervene, engine, Random(seed + 100))
        for _ in range(5_000):
            carry_out(engine, random)
            if meddling.done():
                break
        assert meddling.result(timeout=60) > 0
    for _ in range(300):
        carry_out(engine, random)
        if {engine.run(run_id)["state"] for run_id in ("r1", "r2")} <= {"success", "failed"}:
            return
    raise AssertionError(f"the runs never end: {engine.states('r1')} {engine.states('r2')}")
