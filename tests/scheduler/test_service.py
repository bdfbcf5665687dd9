"""The loop of the service: when it passes, and when it waits for more."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from time import monotonic

from mainspring.attempts import Report
from mainspring_scheduler.service import LINGER_SECONDS_MAX, Service
from mainspring_store.database.lease import take_scheduler_lease
from mainspring_store.database.notify import open_ringer
from mainspring_store.database.transactions import Database, open_database
from mainspring_store.schema.migrate import migrate
from tests.scheduler.engine import BOUND, MovedClock, ScriptedExecutor

RINGS = 30
DONE_SECONDS_MAX = 60.0


class Ringing(ScriptedExecutor):
    """Rings in each pass, as a worker does that reports without a pause."""

    def __init__(self, database: Database, *, slack: float) -> None:
        super().__init__(MovedClock(), 8, BOUND)
        self._slack = slack
        self._ringer = open_ringer(database)
        self._rings = 0
        self.is_done = threading.Event()

    def reports(self, timeout: float) -> Sequence[Report]:
        self._rings += 1
        if self._rings < RINGS:
            self._ringer.ring()
        else:
            self.is_done.set()
        return super().reports(timeout)

    def slack(self) -> float:
        return self._slack

    def close(self, grace: timedelta) -> None:
        super().close(grace)
        self._ringer.close()


def seconds_of_passes(database: Database, executor: Ringing) -> float:
    lease = take_scheduler_lease(database)
    service = Service(database, {"thread": executor}, lease, version="1")
    thread = threading.Thread(target=service.run, args=(timedelta(0),))
    began = monotonic()
    thread.start()
    assert executor.is_done.wait(DONE_SECONDS_MAX)
    seconds = monotonic() - began
    service.stop()
    thread.join()
    lease.release()
    return seconds


def test_rings_are_collected_while_there_is_slack_and_answered_at_once_while_there_is_none(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/mainspring.db")
    migrate(database)
    assert seconds_of_passes(database, Ringing(database, slack=float("inf"))) >= (RINGS - 2) * LINGER_SECONDS_MAX
    assert seconds_of_passes(database, Ringing(database, slack=0.05)) >= (RINGS - 2) * 0.05
    assert seconds_of_passes(database, Ringing(database, slack=0.0)) < (RINGS - 2) * 0.05
    database.close()
