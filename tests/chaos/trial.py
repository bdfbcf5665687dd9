"""One trial: three runs of a diamond of six tasks, faults meanwhile, and the verdict when all is quiet again."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import requests
from sqlalchemy import func, select

from mainspring.errors import StoreUnavailable
from mainspring_store.tables import attempt_report, dag_run, task_instance, task_log, task_try
from tests.chaos.execution_log import (
    DIAMOND,
    Line,
    Outcome,
    document,
    execution_log_violations,
    expected_output,
    poison_document,
    poison_violations,
    read_execution_log,
)
from tests.chaos.faults import (
    CANCELLED_RUN,
    Fault,
    drawn,
    has_poison,
    needs_long_tasks,
    needs_resisting_tasks,
    strike,
)
from tests.chaos.installation import LEASE_SECONDS, Installation
from tests.invariants import read_facts, violations

__all__ = ["LEFT_OUT", "Trial", "Verdict"]

LEFT_OUT = "left out"
"""Said of a fault that this machine does not allow."""

RUNS = ("run-1", CANCELLED_RUN, "run-3")
QUIET_SECONDS_MAX = 60.0
"""How long it may take until all is quiet, from the last fault on. Then something is stuck."""
_TURN_SECONDS = 0.02
_LOOK_SECONDS = 0.1
_ANSWER_SECONDS_MAX = 5.0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one trial showed."""

    seed: int
    executor: str
    seconds: float
    faults: Sequence[str]
    hits: Sequence[str]
    """Failpoints that were reached, each with what the process did there."""
    violations: Sequence[str]
    recoveries: Mapping[str, Sequence[float]]
    """What was gone -> seconds until work went on."""


@dataclass
class Trial:
    """`run` makes it once."""

    installation: Installation
    seed: int
    _lines: list[tuple[float, Line]] = field(default_factory=list)
    """What the tasks wrote, each with when it was seen."""
    _looked_at: float = 0.0
    _is_quiet: bool = False

    def run(self) -> Verdict:
        installation = self.installation
        self._dag_id = f"diamond-{self.seed}"
        self._execution_log = installation.folder / f"witness-{self.seed}"
        faults = drawn(self.seed, installation.executor)
        self._poison_id = f"poison-{self.seed}" if has_poison(self.seed) else None
        self._poison_witness = installation.folder / f"witness-poison-{self.seed}"
        installation.begin_trial()
        with ThreadPoolExecutor(len(RUNS) + 1) as clients:
            self._until_done(clients.submit(self._save))
            began = time.monotonic()
            for fault in faults:
                if fault.at == 0:
                    strike(installation, fault, [])
            asked = [clients.submit(self._trigger, self._dag_id, run_id) for run_id in RUNS]
            if self._poison_id is not None:
                asked.append(clients.submit(self._trigger, self._poison_id, "run-1"))
            asked += self._strike_all(clients, [fault for fault in faults if fault.at > 0], began)
            found = self._until_quiet(asked)
            installation.clear_faults()
            self._until(lambda: installation.is_whole, "every process and server is back", found)
            if not found:
                # Meanwhile the stage is tended: what was told to end may take its time, and is started again.
                is_cancelled = any(fault.kind == "cancel" for fault in faults)
                found += self._until_done(clients.submit(self._judged, is_cancelled))
            if not found:
                self._until_done(clients.submit(self._delete))
        return Verdict(
            seed=self.seed,
            executor=installation.executor,
            seconds=round(time.monotonic() - began, 2),
            faults=[self._told(fault) for fault in faults],
            hits=installation.hits,
            violations=found,
            recoveries=self._recoveries(),
        )

    def _told(self, fault: Fault) -> str:
        is_left_out = fault.kind == "full disk" and self.installation.disk is None
        return f"{fault} ({LEFT_OUT})" if is_left_out else str(fault)

    # -- what clients ask for, each until it is acknowledged

    def _save(self) -> None:
        random = Random(self.seed)
        pauses = {task_id: random.choice((0.0, 0.05, 0.1, 0.4)) for task_id in DIAMOND}
        resists = needs_resisting_tasks(self.seed, self.installation.executor)
        if needs_long_tasks(self.seed, self.installation.executor):
            pauses |= dict.fromkeys(("first", "join"), LEASE_SECONDS + 1.0 if resists else 1.2)
        dag = document(self._dag_id, self._execution_log, pauses, resists=resists)
        self._ask("PUT", f"/dags/{self._dag_id}", dag, accepted=(200, 201))
        if self._poison_id is not None:
            poison = poison_document(self._poison_id, self._poison_witness)
            self._ask("PUT", f"/dags/{self._poison_id}", poison, accepted=(200, 201))

    def _trigger(self, dag_id: str, run_id: str) -> None:
        # A conflict says that an earlier request was carried out, and only its answer lost.
        body = {"dag_run_id": run_id, "logical_date": None}
        self._ask("POST", f"/dags/{dag_id}/dagRuns", body, accepted=(200, 409))

    def _cancel(self, run_id: str) -> None:
        self._ask("PATCH", f"/dags/{self._dag_id}/dagRuns/{run_id}", {"state": "failed"}, accepted=(200, 404))

    def _delete(self) -> None:
        for dag_id in filter(None, (self._dag_id, self._poison_id)):
            self._ask("DELETE", f"/dags/{dag_id}", None, accepted=(200, 204, 404))

    def _ask(self, method: str, path: str, body: object, *, accepted: Sequence[int]) -> Any:
        """Repeat a request until it is answered as it must be at last. Raises `TimeoutError` when it never is."""
        client = self.installation.client
        deadline = time.monotonic() + QUIET_SECONDS_MAX
        last = "no answer"
        while time.monotonic() < deadline:
            try:
                answer = requests.request(
                    method,
                    client.url + path,
                    json=body,
                    headers={"Authorization": f"Bearer {client.token}"},
                    timeout=_ANSWER_SECONDS_MAX,
                )
                if answer.status_code in accepted:
                    return answer.json() if answer.content else None
                last = f"{answer.status_code} {answer.text[:300]}"
            except requests.RequestException as exc:
                last = str(exc)
            time.sleep(0.1)
        raise TimeoutError(f"{method} {path}: {last}")

    # -- the time of the faults, and after

    def _strike_all(self, clients: ThreadPoolExecutor, faults: Sequence[Fault], began: float) -> list[Future[None]]:
        cancels = []
        for fault in faults:
            while time.monotonic() < began + fault.at:
                self._turn()
            if fault.kind == "cancel":
                self.installation.note(f"fault: {fault}")
                cancels.append(clients.submit(self._cancel, fault.target))
            else:
                strike(self.installation, fault, [line.pid for line in self._running()])
        return cancels

    def _running(self) -> list[Line]:
        ended = {line.attempt_id for _, line in self._lines if line.word == "end"}
        return [line for _, line in self._lines if line.word == "start" and line.attempt_id not in ended]

    def _turn(self) -> None:
        self.installation.tend()
        seen = read_execution_log(self._execution_log)[len(self._lines) :]
        self._lines += [(time.monotonic(), line) for line in seen]
        time.sleep(_TURN_SECONDS)

    def _until(self, condition: Callable[[], bool], what: str, found: list[str]) -> None:
        deadline = time.monotonic() + QUIET_SECONDS_MAX
        while not condition():
            if time.monotonic() > deadline:
                found.append(f"stuck: not within {QUIET_SECONDS_MAX:g} s: {what}")
                return
            self._turn()

    def _until_done(self, asked: Future[Any]) -> Any:
        while not asked.done():
            self._turn()
        return asked.result()

    def _until_quiet(self, asked: Sequence[Future[Any]]) -> list[str]:
        found: list[str] = []
        self._until(lambda: all(one.done() for one in asked), "the API acknowledges every request", found)
        found += [f"a client was not served: {one.exception()}" for one in asked if one.done() and one.exception()]
        self._until(self._is_over, "every run is over and nothing runs any more", found)
        return found

    def _is_over(self) -> bool:
        if time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return False
        self._looked_at = time.monotonic()
        of_dag = select(dag_run.c.id).where(dag_run.c.dag_id.in_([self._dag_id, self._poison_id or ""]))
        tries = select(task_try.c.attempt_id).join(task_instance).where(task_instance.c.dag_run_id.in_(of_dag))
        open_runs = of_dag.where(dag_run.c.end_date.is_(None))
        unstopped = tries.where(task_try.c.stopped_at.is_(None))
        unread = select(attempt_report.c.id)
        try:
            with self.installation.database.read() as connection:
                return not any(
                    connection.scalar(select(func.count()).select_from(one.subquery()))
                    for one in (open_runs, unstopped, unread)
                )
        except StoreUnavailable:
            return False

    # -- the verdict

    def _judged(self, is_cancelled: bool) -> list[str]:
        outcomes = self._outcomes()
        found = violations(read_facts(self.installation.database))
        lines = read_execution_log(self._execution_log)
        found += execution_log_violations(lines, outcomes, CANCELLED_RUN if is_cancelled else None)
        runs = {one.run_id: one.run_state for one in outcomes}
        missing = {run_id for run_id in RUNS if run_id not in runs and not (is_cancelled and run_id == CANCELLED_RUN)}
        found += [f"{run_id} was acknowledged and has no try" for run_id in sorted(missing)]
        found += self._gave_up()
        for run_id, state in runs.items():
            run = self._ask("GET", f"/dags/{self._dag_id}/dagRuns/{run_id}", None, accepted=(200,))
            if state == "success" and run["outputs"] != {"n": expected_output()}:
                found.append(f"{run_id} gave {run['outputs']}, not {expected_output()}")
        return found + (self._poison_judged() if self._poison_id is not None else [])

    def _poison_judged(self) -> list[str]:
        run = self._ask("GET", f"/dags/{self._poison_id}/dagRuns/run-1", None, accepted=(200,))
        free = task_try.c.state.in_(["interrupted", "cancelled"])
        tries = select(func.count()).select_from(task_try).join(task_instance).join(dag_run)
        with self.installation.database.read() as connection:
            free_tries = connection.scalar(tries.where(dag_run.c.dag_id == self._poison_id, free)) or 0
        ends = sum("scheduler" in what and " ended with " in what for _, what in self.installation.timeline)
        return poison_violations(self._poison_witness, run["state"], scheduler_ends=ends, free_tries=free_tries)

    def _gave_up(self) -> list[str]:
        """Workers that ended of their own accord. An outage of Redis or of the execution API is no reason to end."""
        if any(hit.endswith(" raise") for hit in self.installation.hits):
            return []
        ends = [what.rpartition(" ended with ") for _, what in self.installation.timeline if what.startswith("worker-")]
        return [f"{name} gave up with {code}" for name, _, code in ends if name and int(code) > 0]

    def _outcomes(self) -> list[Outcome]:
        with self.installation.database.read() as connection:
            logs: dict[str, bytes] = {}
            for attempt_id, data in connection.execute(
                select(task_log.c.attempt_id, task_log.c.data).order_by(task_log.c.attempt_id, task_log.c.offset)
            ):
                logs[attempt_id] = logs.get(attempt_id, b"") + data
            rows = connection.execute(
                select(
                    dag_run.c.run_id,
                    dag_run.c.state.label("run_state"),
                    dag_run.c.state_reason.label("run_reason"),
                    task_instance.c.task_id,
                    task_instance.c.state.label("instance_state"),
                    task_instance.c.attempt_id.label("latest"),
                    task_try.c.attempt_id,
                    task_try.c.state,
                )
                .select_from(task_try)
                .join(task_instance)
                .join(dag_run)
                .where(dag_run.c.dag_id == self._dag_id)
            ).all()
        return [
            Outcome(
                run_id=row.run_id,
                run_state=row.run_state,
                run_reason=row.run_reason,
                task_id=row.task_id,
                instance_state=row.instance_state,
                attempt_id=row.attempt_id,
                state=row.state,
                is_latest=row.attempt_id == row.latest,
                log=logs.get(row.attempt_id, b""),
            )
            for row in rows
        ]

    def _recoveries(self) -> Mapping[str, Sequence[float]]:
        """Seconds from the end of a scheduler, or the return of a server, to the next start of a task; from the end of
        a worker to the next start of each task that was under way and was lost."""
        found: dict[str, list[float]] = {}
        starts = [(at, line) for at, line in self._lines if line.word == "start"]
        for gone_at, what in self.installation.timeline:
            name = what.partition("-")[0].partition(" ")[0]
            after = [(at, line) for at, line in starts if at > gone_at]
            if what.endswith(" is back") or (name == "scheduler" and " ended with " in what):
                found.setdefault(name, []).extend(round(at - gone_at, 2) for at, _ in after[:1])
            elif name == "worker" and " ended with " in what:
                found.setdefault(name, []).extend(round(at - gone_at, 2) for at, _ in self._again(gone_at, after))
        return found

    def _again(self, gone_at: float, after: Sequence[tuple[float, Line]]) -> Iterator[tuple[float, Line]]:
        """The next start of each task that was under way at a moment and had to be started again."""
        ended = {line.attempt_id for _, line in self._lines if line.word == "end"}
        for at, line in self._lines:
            if line.word == "start" and at <= gone_at and line.attempt_id not in ended:
                again = [one for one in after if (one[1].run_id, one[1].task_id) == (line.run_id, line.task_id)]
                yield from again[:1]

    @property
    def evidence(self) -> Sequence[Path]:
        """Files that tell what happened, besides the logs of the processes."""
        return [self._execution_log]
