"""Carries large values between the store and the task hosts of this machine, in a thread beside the passes.

A `ValueCarrier` stands around an executor. It holds back an attempt until the values that the attempt is handed are
files, and the report of an end until its large outputs are in the store. So a pass neither reads nor writes a large
value. A step that must wait, for a log store perhaps, does not hold up the others.
"""

import logging
import os
import select
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic

from mainspring.attempts import Attempt, Finished, Outcome, Report
from mainspring.errors import LogStoreUnavailable, StoreUnavailable
from mainspring.failpoints import failpoint
from mainspring.large_values import LargeValue, located
from mainspring.states import StateReason
from mainspring_executors.contract import AttemptLocation, Executor, Refusals, ShowsRefusals, SubmitResult, Submitted
from mainspring_executors.local.value_folder import BrokenValue, ValueFolder, read_pieces
from mainspring_executors.outputs import discard_files
from mainspring_executors.protocol.refusals import is_refusal
from mainspring_executors.registry import open_executor
from mainspring_executors.settings import ExecutorSettings
from mainspring_store.database.transactions import Database
from mainspring_store.queries.large_values import ValueMissing, value_pieces
from mainspring_store.resources.large_values import TooManyBytes, store_value

__all__ = ["ValueCarrier", "open_carried"]

_log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
"""Pause while the database, the log store or the disk has no room or does not answer."""
CLOSE_SECONDS_MAX = 10.0
"""How long a close waits for the outputs of ended attempts. What is not stored by then is lost with its try."""
_TEND_SECONDS = 0.5
"""The longest pause between two looks at the executor, which has timers of its own."""


class ValueCarrier:
    """An executor around another one. Keeps the contract: one thread calls it, and no method waits for a value."""

    def __init__(self, executor: Executor, database: Database, folder: ValueFolder) -> None:
        """executor: opened with the path of `folder` as `values_dir`. The carrier closes both."""
        self._executor = executor
        self._database = database
        self._folder = folder
        self.capabilities = executor.capabilities
        self._waiting: dict[str, Attempt] = {}
        """Attempts whose values are not files yet."""
        self._files: dict[str, frozenset[str]] = {}
        """Attempt -> the values that are files for it."""
        self._uses: Counter[str] = Counter()
        """Value -> attempts in `_files` that need its file."""
        self._unstored: dict[str, list[Report]] = {}
        """Attempt -> the reports that follow the end whose outputs are not stored yet."""
        self._ready: list[Report] = []
        self._todo: SimpleQueue[_Step | None] = SimpleQueue()
        self._done: deque[_Step] = deque()
        """What the caller's thread does next for values that have arrived."""
        self._stopped = Event()
        self._poller = select.epoll()
        self._nudge = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poller.register(self._nudge, select.EPOLLIN)
        self._poller.register(executor.fileno(), select.EPOLLIN)
        self._is_closed = False
        self._thread = Thread(target=self._run, name="value-carrier", daemon=True)
        self._thread.start()

    # -- the contract

    def submit(self, attempts: Sequence[Attempt]) -> Sequence[Submitted]:
        if not any(attempt.values for attempt in attempts):
            return self._executor.submit(attempts)
        ready = [attempt for attempt in attempts if not attempt.values]
        answers = {answer.attempt_id: answer for answer in self._executor.submit(ready)} if ready else {}
        for attempt in attempts:
            if attempt.values and attempt.attempt_id not in self._files:
                self._fetch(attempt)
        return [
            answers.get(attempt.attempt_id) or Submitted(attempt_id=attempt.attempt_id, result=SubmitResult.ACCEPTED)
            for attempt in attempts
        ]

    def reports(self, timeout: float) -> Sequence[Report]:
        deadline = monotonic() + timeout
        while True:
            self._turn()
            patience = deadline - monotonic()
            if self._ready or self._is_closed or patience <= 0:
                break
            self._poller.poll(min(patience, _TEND_SECONDS))
        ready, self._ready = self._ready, []
        return ready

    def fileno(self) -> int:
        return self._poller.fileno()

    def cancel(self, attempt_ids: Sequence[str]) -> None:
        for attempt_id in attempt_ids:
            if self._waiting.pop(attempt_id, None) is not None:
                self._end(attempt_id, Outcome.CANCELLED, StateReason.CANCELLED, "cancelled on request")
        self._executor.cancel(attempt_ids)
        if self._ready:
            self._wake()

    def recover(self, attempt_ids: Sequence[str]) -> Mapping[str, AttemptLocation]:
        locations = {attempt_id: AttemptLocation.QUEUED for attempt_id in attempt_ids if attempt_id in self._waiting}
        locations |= {
            attempt_id: AttemptLocation.FINISHED for attempt_id in attempt_ids if attempt_id in self._unstored
        }
        return {**self._executor.recover([item for item in attempt_ids if item not in locations]), **locations}

    def capacity(self) -> int:
        return max(0, self._executor.capacity() - len(self._waiting))

    def headroom(self) -> float:
        return self._executor.headroom()

    def refusals(self) -> Refusals:
        if isinstance(self._executor, ShowsRefusals):
            return self._executor.refusals()
        return Refusals(count=0, cause=None)

    def close(self, grace: timedelta) -> None:
        if self._is_closed:
            return
        for attempt_id in list(self._waiting):
            del self._waiting[attempt_id]
            self._end(attempt_id, Outcome.INTERRUPTED, StateReason.INTERRUPTED, "interrupted: the service was stopped")
        self._executor.close(grace)
        self._take(self._executor.reports(0))
        self._todo.put(None)
        self._thread.join(CLOSE_SECONDS_MAX)
        self._stopped.set()
        self._settle()
        self._is_closed = True
        self._poller.close()
        self._folder.close()
        if not self._thread.is_alive():
            os.close(self._nudge)

    # -- the caller's thread

    def _turn(self) -> None:
        if self._is_closed:
            return
        with suppress(BlockingIOError):
            os.eventfd_read(self._nudge)
        self._settle()
        self._take(self._executor.reports(0))

    def _settle(self) -> None:
        while self._done:
            self._done.popleft()()

    def _take(self, reports: Sequence[Report]) -> None:
        for report in reports:
            if report.attempt_id in self._unstored:
                self._unstored[report.attempt_id].append(report)
                continue
            if isinstance(report, Finished):
                self._release(report.attempt_id)
                if report.large:
                    self._store(report)
                    continue
            self._ready.append(report)

    def _fetch(self, attempt: Attempt) -> None:
        attempt_id = attempt.attempt_id
        values = {value.id: value for value in attempt.values.values()}
        self._waiting[attempt_id] = attempt
        self._files[attempt_id] = frozenset(values)
        self._uses.update(values.keys())
        self._begin(lambda: self._fetch_in_thread(attempt_id, list(values.values())))

    def _fetched(self, attempt_id: str, paths: Mapping[str, str]) -> None:
        attempt = self._waiting.pop(attempt_id, None)
        if attempt is None:  # cancelled meanwhile
            self._release(attempt_id)
            return
        handed = replace(attempt, values=located(attempt.values, paths))
        for answer in self._executor.submit([handed]):
            if answer.result is SubmitResult.REJECTED:
                self._end(attempt_id, Outcome.FAILED, StateReason.REJECTED, answer.detail)

    def _not_fetched(self, attempt_id: str, message: str) -> None:
        if self._waiting.pop(attempt_id, None) is not None:
            self._end(attempt_id, Outcome.FAILED, StateReason.REJECTED, message)

    def _release(self, attempt_id: str) -> None:
        """Delete the files that no other attempt needs."""
        for value_id in self._files.pop(attempt_id, ()):
            self._uses[value_id] -= 1
            if not self._uses[value_id]:
                del self._uses[value_id]
                self._begin(lambda value_id=value_id: self._remove(value_id))  # type: ignore[misc]

    def _store(self, report: Finished) -> None:
        self._unstored[report.attempt_id] = []
        self._begin(lambda: self._store_in_thread(report))

    def _stored(self, report: Finished) -> None:
        self._ready += [report, *self._unstored.pop(report.attempt_id)]

    def _end(self, attempt_id: str, outcome: Outcome, reason: StateReason, message: str | None) -> None:
        """Report the end of an attempt that did not reach its executor."""
        now = datetime.now(UTC)
        self._ready.append(
            Finished(attempt_id=attempt_id, seq=2, at=now, outcome=outcome, reason=reason, message=message)
        )
        self._release(attempt_id)

    def _begin(self, step: "_Step") -> None:
        self._todo.put(step)

    def _wake(self) -> None:
        if not self._is_closed:
            os.eventfd_write(self._nudge, 1)

    # -- the thread

    def _run(self) -> None:
        later: list[tuple[float, _Step]] = []
        """Steps to repeat, each with its time; in this order."""
        while not self._stopped.is_set():
            # A step that is due comes first: new steps must not hold it up for ever.
            patience = later[0][0] - monotonic() if later else None
            try:
                step = later.pop(0)[1] if patience is not None and patience <= 0 else self._todo.get(timeout=patience)
            except Empty:
                step = later.pop(0)[1]
            if step is None:
                return
            try:
                step()
            except _Waits as exc:
                _log.warning("large value waits, retrying: retry_seconds=%s cause=%s", RETRY_SECONDS, exc.__cause__)
                later.append((monotonic() + RETRY_SECONDS, step))

    def _then(self, step: "_Step") -> None:
        self._done.append(step)
        self._wake()

    def _remove(self, value_id: str) -> None:
        # A later attempt may have asked for the value again, and its file is written after this step.
        with suppress(OSError):
            self._folder.remove(value_id)

    def _fetch_in_thread(self, attempt_id: str, values: Sequence[LargeValue]) -> None:
        try:
            with _waiting():
                paths = {value.id: self._file_of(value) for value in values}
        except _Waits:
            raise
        except ValueMissing:
            message = (
                "an output that this task is handed was replaced or deleted; clear this task to hand it the new one"
            )
            self._then(lambda: self._not_fetched(attempt_id, message))
        except Exception as exc:
            _log.exception("large value not fetched: attempt=%s", attempt_id)
            message = f"an output that this task is handed cannot be read: {type(exc).__name__}: {exc}"
            self._then(lambda: self._not_fetched(attempt_id, message))
        else:
            failpoint("scheduler.values.fetched")
            self._then(lambda: self._fetched(attempt_id, paths))

    def _file_of(self, value: LargeValue) -> str:
        path = self._folder.path / f"in-{value.id}"
        return str(path) if path.exists() else self._folder.write(value, value_pieces(self._database, value))

    def _store_in_thread(self, report: Finished) -> None:
        values = report.large.values()
        try:
            with _waiting():
                for value in values:
                    store_value(self._database, report.attempt_id, value, read_pieces(value), datetime.now(UTC))
            failpoint("scheduler.values.stored")
            result = replace(report, large={name: replace(value, path=None) for name, value in report.large.items()})
        except _Waits:
            raise
        except (BrokenValue, TooManyBytes) as exc:
            result = _failed(report, StateReason.OUTPUT_INVALID, str(exc))
        except Exception as exc:
            _log.exception("large output not stored: attempt=%s", report.attempt_id)
            message = f"a large output could not be stored: {type(exc).__name__}: {exc}"
            result = _failed(report, StateReason.EXCEPTION, message)
        discard_files(values)
        self._then(lambda: self._stored(result))


_Step = Callable[[], None]


class _Waits(Exception):
    """The database, the log store or the disk cannot do a step now. Its cause says why."""


@contextmanager
def _waiting() -> Iterator[None]:
    try:
        yield
    except (StoreUnavailable, LogStoreUnavailable) as exc:
        raise _Waits from exc
    except OSError as exc:
        if is_refusal(exc):
            raise _Waits from exc
        raise


def _failed(report: Finished, reason: StateReason, message: str) -> Finished:
    """The end of an attempt whose outputs cannot be kept. An end that was no success keeps its reason."""
    if report.outcome is not Outcome.SUCCESS:
        return replace(report, outputs={}, large={})
    return replace(report, outcome=Outcome.FAILED, reason=reason, message=message, outputs={}, large={})


def open_carried(name: str, settings: ExecutorSettings, database: Database) -> Executor:
    """Open an executor with what it needs to keep large outputs. The caller closes it.

    An executor whose attempts go on without a scheduler is returned as it is: its workers carry large values.

    Raises:
        ExecutorError: As `open_executor`.
    """
    assert settings.state_dir is not None, "the folder of large values stands in the state folder"
    folder = ValueFolder(settings.state_dir, task_user=settings.task_user)
    executor = open_executor(name, replace(settings, values_dir=folder.path))
    if executor.capabilities.survives_scheduler_restart:
        folder.close()
        return executor
    return ValueCarrier(executor, database, folder)
