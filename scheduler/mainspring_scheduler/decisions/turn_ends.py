"""Evaluates `until` of tasks with `repeat` after their turns. Reads the values that the expressions name."""

from collections.abc import Mapping, Sequence
from typing import Any

from mainspring.errors import ExpressionError
from mainspring_scheduler.decisions.lookups import read_variables
from mainspring_scheduler.decisions.run_context import RunContexts, expression_context
from mainspring_scheduler.progress.turns import FinishedTurn, TurnEnd, ended_turn, without_value
from mainspring_store.scheduling import Pass, TurnFacts

__all__ = ["TurnJudge"]


class TurnJudge:
    """Judges finished turns. See `JudgeTurns`."""

    def __init__(self, contexts: RunContexts) -> None:
        self._contexts = contexts

    def __call__(self, scheduling: Pass, turns: Sequence[FinishedTurn]) -> Mapping[str, TurnEnd]:
        facts = scheduling.reports.turns(turn.live.instance_id for turn in turns)
        contexts = self._contexts.get({turn.live.dag_run_id: turn.live.version_id for turn in turns}, scheduling)
        return {
            turn.live.attempt_id: _judged(scheduling, turn, facts[instance_id], contexts[run_id])
            for turn in turns
            if (instance_id := turn.live.instance_id) in facts and (run_id := turn.live.dag_run_id) in contexts
        }


def _judged(scheduling: Pass, turn: FinishedTurn, facts: TurnFacts, run: Mapping[str, Any]) -> TurnEnd:
    live, version = turn.live, turn.version
    task = version.tasks[live.task_index]
    assert task.repeat is not None
    until = task.repeat.until
    extra = {
        "task_id": task.task_id,
        "try_number": live.try_number,
        "map": facts.map_value or {},
        "vars": read_variables(scheduling, until.variable_references),
        "turn": {"index": facts.turn, "outputs": {**turn.report.outputs, **turn.report.large}},
    }
    try:
        of = live.task_index, live.map_index
        holds = until.evaluate(expression_context(scheduling, version, live.dag_run_id, run, until.paths, extra, of=of))
    except ExpressionError as exc:
        return without_value(turn.report, str(exc))
    return ended_turn(turn.report, task.repeat, facts.turn, holds)
