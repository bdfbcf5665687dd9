"""What the tasks themselves wrote down, and what that says about the promises. Pure, but for reading the file.

Each line is one append of a task's own process, so their order is the order of what happened.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "DIAMOND",
    "Line",
    "Outcome",
    "document",
    "execution_log_violations",
    "expected_output",
    "poison_document",
    "poison_violations",
    "read_execution_log",
]  # fmt: skip

DIAMOND: Mapping[str, Sequence[str]] = {
    "first": (),
    "left": ("first",),
    "middle": ("first",),
    "right": ("first",),
    "join": ("left", "middle", "right"),
    "last": ("join",),
}
"""Task -> its upstream."""
CALLABLES = ("left", "last")
"""The tasks that are callables; the others are programs."""
RETRIES = 6
POISON_RETRIES = 1
_SCRIPT = """
[ -z "$RESISTS" ] || trap '' TERM
exec 9>>"$WITNESS.$MAINSPRING_RUN_ID.$MAINSPRING_TASK_ID"
flock -n 9 || echo "overlap $MAINSPRING_RUN_ID $MAINSPRING_TASK_ID $MAINSPRING_ATTEMPT_ID $$" >> "$WITNESS"
echo "start $MAINSPRING_RUN_ID $MAINSPRING_TASK_ID $MAINSPRING_ATTEMPT_ID $$" >> "$WITNESS"
echo "begun $MAINSPRING_ATTEMPT_ID"
sleep "$PAUSE"
until { echo "n=$((SUM + 1))" >> "$MAINSPRING_OUTPUT"; } 2> /dev/null; do sleep 0.1; done
echo "ended $MAINSPRING_ATTEMPT_ID"
echo "end $MAINSPRING_RUN_ID $MAINSPRING_TASK_ID $MAINSPRING_ATTEMPT_ID $$" >> "$WITNESS"
"""


@dataclass(frozen=True)
class Line:
    """One thing that a task's process wrote."""

    word: str
    """`start`, `end`, or `overlap`: an earlier process of the same task instance still ran."""
    run_id: str
    task_id: str
    attempt_id: str
    pid: int


@dataclass(frozen=True)
class Outcome:
    """One try as the database tells it."""

    run_id: str
    run_state: str
    run_reason: str | None
    task_id: str
    instance_state: str
    attempt_id: str
    state: str
    is_latest: bool
    log: bytes


def document(dag_id: str, execution_log: Path, pauses: Mapping[str, float], *, resists: bool) -> Mapping[str, object]:
    """The diamond as a DAG whose tasks write into `execution_log`, each taking as long as `pauses` says.

    resists: whether the programs do not heed a TERM.
    """
    tasks = {
        task_id: {
            **({"callable": "tests.chaos.task_body:carry_out"} if task_id in CALLABLES else {"script": _SCRIPT}),
            "type": "python" if task_id in CALLABLES else "shell",
            "depends_on": list(upstream),
            "env": {
                "RESISTS": "yes" if resists else "",
                "WITNESS": str(execution_log),
                "PAUSE": f"{pauses[task_id]:.2f}",
                "SUM": "${{ " + (" + ".join(f"int(tasks.{name}.outputs.n)" for name in upstream) or "0") + " }}",
            },
        }
        for task_id, upstream in DIAMOND.items()
    }
    return {
        "dag_id": dag_id,
        "max_active_runs": 3,
        "default_args": {"retries": RETRIES, "retry_delay": "0s"},
        "tasks": tasks,
        "outputs": {"n": "${{ int(tasks.last.outputs.n) }}"},
    }


def poison_document(dag_id: str, execution_log: Path) -> Mapping[str, object]:
    """A DAG of one task that kills its task host as soon as it starts."""
    script = 'echo "start $MAINSPRING_ATTEMPT_ID" >> "$WITNESS"; kill -9 $PPID; sleep 5'
    task = {"type": "shell", "script": script, "env": {"WITNESS": str(execution_log)}, "retries": POISON_RETRIES}
    return {"dag_id": dag_id, "tasks": {"poison": {**task, "retry_delay": "0s"}}}


def poison_violations(execution_log: Path, state: str, *, scheduler_ends: int, free_tries: int) -> list[str]:
    """The task that kills its host fails, after a bounded number of starts.

    scheduler_ends: how often a scheduler died; it forgets its suspects then.
    free_tries: those that cost nothing for another reason.
    """
    starts = execution_log.read_text().count("\n") if execution_log.exists() else 0
    starts_max = 3 + POISON_RETRIES + 3 * scheduler_ends + free_tries
    found = [] if state == "failed" else [f"the run of the task that kills its host is {state}"]
    return found if starts <= starts_max else [*found, f"it was started {starts} times, {starts_max} are allowed"]


def expected_output() -> int:
    """What a run's output `n` is when each task got what its upstream gave."""
    values: dict[str, int] = {}
    for task_id, upstream in DIAMOND.items():
        values[task_id] = 1 + sum(values[name] for name in upstream)
    return values["last"]


def read_execution_log(path: Path) -> list[Line]:
    """Its whole lines so far; none while there is no file."""
    if not path.exists():
        return []
    rows = [line.split() for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [Line(word, run_id, task_id, attempt_id, int(pid)) for word, run_id, task_id, attempt_id, pid in rows]


def execution_log_violations(lines: Sequence[Line], outcomes: Sequence[Outcome], cancelled: str | None) -> list[str]:
    """Every broken promise.

    cancelled: the run that somebody cancelled; it may have ended before that.
    """
    checks = (_starts(lines, outcomes), _order(lines), _ends(lines, outcomes), _states(outcomes, cancelled))
    return [violation for check in checks for violation in check] + list(_logs(outcomes))


def _starts(lines: Sequence[Line], outcomes: Sequence[Outcome]) -> Iterator[str]:
    known = {one.attempt_id for one in outcomes}
    for attempt_id, count in Counter(line.attempt_id for line in lines if line.word == "start").items():
        if attempt_id not in known:
            yield f"attempt {attempt_id} ran, and the database does not know it"
        if count > 1:
            yield f"attempt {attempt_id} was started {count} times"
    for line in lines:
        if line.word == "overlap":
            yield f"attempt {line.attempt_id} of {line.run_id} {line.task_id} started while an earlier one still ran"


def _order(lines: Sequence[Line]) -> Iterator[str]:
    ended: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        missing = set(DIAMOND[line.task_id]) - ended[line.run_id]
        if line.word == "start" and missing:
            yield f"{line.run_id} {line.task_id} started before the end of {', '.join(sorted(missing))}"
        if line.word == "end":
            ended[line.run_id].add(line.task_id)


def _ends(lines: Sequence[Line], outcomes: Sequence[Outcome]) -> Iterator[str]:
    ended = {line.attempt_id for line in lines if line.word == "end"}
    succeeded = Counter((one.run_id, one.task_id) for one in outcomes if one.state == "success")
    for one in outcomes:
        if one.state == "success" and one.attempt_id not in ended:
            yield f"attempt {one.attempt_id} of {one.run_id} {one.task_id} is recorded as success, and never ended"
        if one.is_latest and one.instance_state == "success" and one.state != "success":
            yield f"{one.run_id} {one.task_id} is a success, its latest attempt is {one.state}"
    for (run_id, task_id), count in succeeded.items():
        if count > 1:
            yield f"{run_id} {task_id} succeeded {count} times"


def _states(outcomes: Sequence[Outcome], cancelled: str | None) -> Iterator[str]:
    done = {(one.run_id, one.task_id) for one in outcomes if one.instance_state == "success"}
    for run_id, state, reason in sorted({(one.run_id, one.run_state, one.run_reason or "") for one in outcomes}):
        if run_id == cancelled and state == "failed" and reason in ("cancelled", "marked"):
            continue  # marked: it had ended before
        if state != "success":
            yield f"{run_id} is {state} ({reason}), all its tasks can succeed"
        for task_id in DIAMOND:
            if (run_id, task_id) not in done:
                yield f"{run_id} is {state}, its task {task_id} is no success"


def _logs(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for one in outcomes:
        expected = f"begun {one.attempt_id}\nended {one.attempt_id}\n".encode()
        if one.state == "success" and one.log != expected:
            yield f"the log of attempt {one.attempt_id} of {one.run_id} {one.task_id} is {one.log!r}"
        if not expected.startswith(one.log):
            yield f"the log of attempt {one.attempt_id} ({one.state}) holds what it did not say: {one.log!r}"
