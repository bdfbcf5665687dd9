"""The engine under everything that may happen to it: on a file with one scheduler, on a server with two."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from sqlalchemy import func, select

from mainspring_store.resources.pools import DEFAULT_POOL, change_pools
from mainspring_store.schema.migrate import migrate
from mainspring_store.tables import dag, dag_run, metadata
from tests.invariants import read_facts
from tests.simulation.documents import CALLED, CALLER, FEATURES, POOLS, confs
from tests.simulation.following import FollowingMachine
from tests.simulation.machine import PICK, one_of
from tests.simulation.model_state import Key, Run
from tests.simulation.places import Places
from tests.simulation.pruning import Pruning
from tests.simulation.schedulers import Schedulers
from tests.simulation.senders import Senders
from tests.simulation.timekeeping import TimeMachine
from tests.simulation.users import Users
from tests.simulation.workers import Workers
from tests.simulation.world import Host, UnreliableDatabase

__all__ = ["PostgresMachine", "SqliteFollowingMachine", "SqliteMachine", "SqliteTimeMachine"]


class EngineMachine(Users, Places, Workers, Pruning, Schedulers, Senders):
    """All steps, from a world with a DAG and a run."""

    @initialize(
        slots=st.sampled_from([64, 64, 2, 1]),
        features=st.frozensets(st.sampled_from(FEATURES)),
        data=st.data(),
        conf=confs,
    )
    def begin(self, slots: int, features: frozenset[str], data: st.DataObject, conf: Mapping[str, Any]) -> None:
        self.open_world(slots, features)
        if "calls" in features:
            self.save(data, CALLED)
        self.save(data, CALLER)
        self.trigger(0, conf, None, 0)


class SqliteMachine(EngineMachine):
    """One scheduler on a file."""

    def open_database(self) -> UnreliableDatabase:
        return _empty_database()


class PostgresMachine(EngineMachine):
    """Two schedulers on one server, whose passes also cut into each other."""

    schedulers = 2
    database_of_all: UnreliableDatabase

    def open_database(self) -> UnreliableDatabase:
        database = self.database_of_all
        with database.engine.begin() as connection:
            tables = ", ".join(table.name for table in metadata.sorted_tables if table.name != "pool")
            connection.exec_driver_sql(f"TRUNCATE {tables} CASCADE")
            connection.exec_driver_sql(f"DELETE FROM pool WHERE name <> '{DEFAULT_POOL}'")
            connection.exec_driver_sql("UPDATE pool SET used = 0, calling = 0")
        return database

    @precondition(lambda self: any(not host.inbox for host in self.hosts))
    @rule(host=PICK)
    def pass_within_a_pass(self, host: int) -> None:
        """Between what one scheduler reads and what it locks, the other one has a whole pass."""
        outer = one_of([host for host in self.hosts if not host.inbox], host)
        inner = next(host for host in self.hosts if host is not outer)
        inbox, done, were_held = list(inner.inbox), [], []

        def inner_pass() -> None:
            were_held.append(self._are_rows_held())
            done.append(inner.run_once())

        self._interrupted(outer, inner_pass)
        self.is_within_a_pass = True
        taken = self.taken_from_afar()
        if any(done) and not inner.was_undone:
            self.model.apply(inbox, self.clock.now())
        self.model.apply(taken, self.clock.now())
        # Each pass that held goes a step further: the outer one goes on with what the inner one began, called runs too.
        # An inner pass may do nothing because of what the outer one holds. Then the outer one alone goes a step.
        has_gone_on = any(counts is not None and not (counts.did_nothing and any(were_held)) for counts in done)
        for step in range((has_gone_on and not inner.was_undone) + (not outer.was_undone)):
            # The outer pass may have looked at its waits before the inner one ended what they wait for.
            still_waits = self.shown_as_waiting() if step else (lambda *_: False)
            self.model.look(self.clock.now(), still_waits)
            self.follow(is_idle=False)
        self.compare(is_idle=False)
        self.is_within_a_pass = False

    def _are_rows_held(self) -> bool:
        """Whether an open pass has locked a DAG or a run, which other passes then skip."""
        with self.database.read() as connection:
            for table in (dag, dag_run):
                keys = list(table.primary_key)
                free = connection.execute(select(*keys).with_for_update(key_share=True, skip_locked=True)).all()
                if len(free) < (connection.scalar(select(func.count()).select_from(table)) or 0):
                    return True
            return False

    @precondition(lambda self: "pools" in self.features)
    @rule(host=PICK, name=st.sampled_from(POOLS), slots=st.integers(0, 2))
    def shrink_a_pool_within_a_pass(self, host: int, name: str, slots: int) -> None:
        """Between what a scheduler reads of a pool and what it takes of it, somebody makes it smaller."""
        worker_loop = one_of(self.hosts, host)
        inbox = list(worker_loop.inbox)
        self._interrupted(worker_loop, lambda: change_pools(self.database, {name: {"slots": slots}}))
        if not worker_loop.was_undone:
            self.model.apply(inbox + self.taken_from_afar(), self.clock.now())
            self.model.look(self.clock.now())
        self.compare(is_idle=False)

    @rule(host=PICK, are_on=st.booleans())
    def predict(self, host: int, are_on: bool) -> None:
        """A scheduler goes on with or without predictions of its writes."""
        one_of(self.hosts, host).predictions.are_on = are_on

    def shown_as_waiting(self) -> Callable[[Run, Key], bool]:
        """Whether the database shows an instance as deferred."""
        facts = read_facts(self.database)
        deferred = {
            (facts.runs[one.dag_run_id].run_id, one.task_id, one.map_index)
            for one in facts.all_instances
            if one.state == "deferred"
        }
        return lambda run, key: (run.run_id, *key) in deferred

    def _interrupted(self, host: Host, by: Callable[[], object]) -> None:
        self.database.between = by
        host.run_once()
        self.database.between = None


class SqliteTimeMachine(TimeMachine):
    """On a file: two schedulers that take turns, as one does after the other on a machine whose clock was set."""

    def open_database(self) -> UnreliableDatabase:
        return _empty_database()


class SqliteFollowingMachine(FollowingMachine):
    """On a file, with two schedulers that take turns."""

    def open_database(self) -> UnreliableDatabase:
        return _empty_database()


_FAST = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _empty_database() -> UnreliableDatabase:
    """The one file of this process, emptied: a new engine would compile every statement anew."""
    folder, database = _database()
    database.disconnect()
    for orphan in folder.glob("mainspring.db*"):
        if not orphan.name.endswith("-turn"):
            orphan.unlink()
    shutil.copy(folder / "empty.db", folder / "mainspring.db")
    database.fault = None
    return database


@cache
def _database() -> tuple[Path, UnreliableDatabase]:
    path = Path(tempfile.mkdtemp(prefix="mainspring-simulation-", dir=_FAST))
    atexit.register(shutil.rmtree, path)
    database = UnreliableDatabase.at(f"sqlite:///{path}/mainspring.db")
    migrate(database)
    database.disconnect()
    shutil.copy(path / "mainspring.db", path / "empty.db")
    return path, database
