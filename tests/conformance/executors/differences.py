"""Where `rq` differs from the executors on this machine, test by test, and why."""

_CLOSE = "closing the scheduler's side leaves the attempts with their workers; their drain: tests/unit/executors/rq"
_KILLED = (
    "attempts outlive their scheduler, as capabilities.survives_scheduler_restart says: tests/acceptance/faults/test_rq"
)
_LATE = "what can never run is found out by the worker, not at submit"
_CLAIM = "an attempt has started when a worker has claimed it"
_ROOM = "its capacity is the room in Redis, whatever the workers are: tests/unit/executors/rq"

RQ = {
    "test_the_answers_to_a_submit_are_in_its_order": _LATE,
    "test_what_can_never_run_is_rejected_when_it_is_submitted": _LATE,
    "test_the_started_report_names_the_process": _CLAIM,
    "test_a_missing_secret_fails_the_task_before_it_starts": _CLAIM,
    "test_the_state_folder_is_private": "the folder is the worker's, and not where this executor's things are",
    "test_a_host_that_dies_at_its_start_again_and_again_is_started_less_and_less_often": "the host is the worker's",
    "test_attempts_wait_for_a_host_that_cannot_be_started_now": "the host is the worker's",
    "test_the_folders_of_dead_hosts_are_removed": "the folder is the worker's, and not of this executor",
    "test_capacity_shrinks_with_what_is_handed_over_and_comes_back": _ROOM,
    "test_more_than_the_capacity_is_still_carried_out": _ROOM,
    "test_close_lets_finish_what_can_within_the_grace": _CLOSE,
    "test_close_interrupts_what_is_left": _CLOSE,
    "test_close_kills_what_does_not_heed_it": _CLOSE,
    "test_close_is_final_and_can_be_repeated": _CLOSE,
    "test_close_does_not_touch_what_another_executor_runs_in_the_same_state_folder": _CLOSE,
    "test_close_leaves_no_process_and_no_file": _CLOSE,
    "test_a_killed_scheduler_leaves_nothing_running": _KILLED,
    "test_tasks_of_a_killed_scheduler_are_asked_before_they_are_killed": _KILLED,
    "test_tasks_end_when_their_scheduler_is_silent_for_too_long": _KILLED,
    "test_what_survived_the_death_of_all_is_ended_by_the_next_start": _KILLED,
    "test_a_start_does_not_touch_what_a_living_scheduler_runs": _KILLED,
    "test_a_start_does_not_touch_another_installation": _KILLED,
}
