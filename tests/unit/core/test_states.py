from mainspring.states import (
    RUN_FINISHED,
    RUN_TRANSITIONS,
    TASK_ACTIVE,
    TASK_FINISHED,
    TASK_TRANSITIONS,
    RunState,
    TaskState,
    may_move,
)


def _reachable(start: TaskState) -> set[TaskState]:
    found = {start}
    waiting = [start]
    while waiting:
        new = TASK_TRANSITIONS[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_every_state_has_a_row_in_its_table() -> None:
    assert set(TASK_TRANSITIONS) == set(TaskState)
    assert set(RUN_TRANSITIONS) == set(RunState)


def test_no_state_moves_to_itself() -> None:
    assert not any(state in after for state, after in TASK_TRANSITIONS.items())
    assert not any(state in after for state, after in RUN_TRANSITIONS.items())


def test_every_state_can_be_reached_from_birth_and_every_unfinished_one_can_finish() -> None:
    assert _reachable(TaskState.SCHEDULED) == set(TaskState)
    for state in set(TaskState) - TASK_FINISHED:
        assert _reachable(state) & TASK_FINISHED


def test_a_finished_instance_comes_back_only_to_be_scheduled_anew() -> None:
    for state in TASK_FINISHED:
        assert TASK_TRANSITIONS[state] - TASK_FINISHED == {TaskState.SCHEDULED}


def test_a_removed_instance_cannot_be_marked() -> None:
    assert TASK_TRANSITIONS[TaskState.REMOVED] == {TaskState.SCHEDULED}


def test_only_queued_instances_start_to_run() -> None:
    assert {state for state in TaskState if may_move(state, TaskState.RUNNING)} == {TaskState.QUEUED}


def test_a_retry_or_a_rescue_never_skips_the_queue() -> None:
    assert not may_move(TaskState.UP_FOR_RETRY, TaskState.RUNNING)
    assert not may_move(TaskState.DEFERRED, TaskState.RUNNING)


def test_states_that_hold_a_slot_are_not_finished() -> None:
    assert not TASK_ACTIVE & TASK_FINISHED


def test_finished_runs_move_only_by_clear_or_mark() -> None:
    for state in RUN_FINISHED:
        assert RUN_TRANSITIONS[state] == {RunState.QUEUED} | (RUN_FINISHED - {state})
