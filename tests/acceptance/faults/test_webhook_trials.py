"""Webhooks while processes are killed: a receiver that keeps a ledger ends with exactly the log, in order."""

import os
import random
import signal
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mainspring_cli.client.plain_client import ApiError
from tests.acceptance.server import Server, started, started_alone, until
from tests.services.receiver import Received, receiving

PLACES = ("webhooks.fan-out.before", "webhooks.fan-out.done", "webhooks.sent", "webhooks.noted")
SOME_PLACES = {
    "sqlite": ("webhooks.sent",),
    # Behind the lease of a receiver, the other scheduler would wait for its end.
    "postgresql": ("webhooks.fan-out.done",),
}
DAG = "dag_id: etl\ntasks: {a: {type: noop}}\n"
FAILING_SHARE = 0.3


def history(server: Server, run_id: str) -> list[str]:
    """Ids of the events of a run that the webhook subscribed to."""
    events = server.client.get(f"/dags/etl/dagRuns/{run_id}/events?limit=100")["events"]
    return [event["id"] for event in events if event["event"] == "run"]


def accepted_events(ledger: Sequence[Received]) -> Mapping[str, list[str]]:
    """Run -> ids of the events that were accepted, each at its first time."""
    events: defaultdict[str, list[str]] = defaultdict(list)
    for received in ledger:
        event: Mapping[str, Any] = received.json["data"]["event"]
        if received.status < 300 and event["id"] not in events[event["dag_run_id"]]:
            events[event["dag_run_id"]].append(event["id"])
    return events


def trigger(server: Server, run_id: str) -> None:
    """Trigger a run, again when the API died before it answered."""

    def is_there() -> bool:
        try:
            server.client.post("/dags/etl/dagRuns", {"logical_date": None, "dag_run_id": run_id})
        except ApiError as exc:
            return ": 409 " in str(exc)
        return True

    until(is_there, f"a trigger of {run_id}")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_event_is_lost_or_out_of_order_wherever_a_process_is_killed(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    """Each place kills the scheduler that is there first; the API is killed too; three of ten answers are failures.

    Two API processes; two schedulers on PostgreSQL. All places take a minute: `./dev chaos --webhooks`.
    """
    failpoints = tmp_path / "failpoints"
    failpoints.mkdir()
    settings = {"failpoints": str(failpoints), "http_allow": "127.0.0.1", "api_processes": "2"}
    places = PLACES if request.config.getoption("--all-kills") else SOME_PLACES[kind]
    second_scheduler = kind == "postgresql"
    chance = random.Random(4711)
    with ExitStack() as stack:
        receiver = stack.enter_context(receiving())
        if second_scheduler:
            postgres = request.getfixturevalue("postgres_server")
            settings["database_url"] = postgres.create_database()
            stack.callback(postgres.drop_database, settings["database_url"])
        server = stack.enter_context(started(tmp_path / "home", **settings))
        if second_scheduler:
            alone = {f"MAINSPRING_{name.upper()}": value for name, value in settings.items() if name != "failpoints"}
            alone["MAINSPRING_HOME"] = str(tmp_path / "home")
            command = [sys.executable, "-m", "mainspring_cli", "scheduler"]
            stack.enter_context(started_alone(command, alone, tmp_path / "second.log"))
        server.put_dag(DAG)
        types = ["run.queued", "run.running", "run.success"]
        server.client.post("/webhooks", {"name": "w", "url": f"{receiver.url}/in", "types": types})
        receiver.answer = lambda path, body: (500 if chance.random() < FAILING_SHARE else 200, {}, b"")
        runs = []
        for number, place in enumerate(places):
            (failpoints / place).write_text("kill")
            for name in (f"{number}a", f"{number}b"):
                trigger(server, name)
                runs.append(name)
            if number == len(places) // 2:
                os.kill(server.pid_of("api"), signal.SIGKILL)
            if not second_scheduler:  # the other scheduler may be there first, and has no failpoints
                until(lambda place=place: not (failpoints / place).exists(), f"the end of the scheduler at {place}")  # type: ignore[misc]
        for name in runs:
            until(lambda name=name: server.client.get(f"/dags/etl/dagRuns/{name}")["state"] == "success", name)  # type: ignore[misc]
        expected = {name: history(server, name) for name in runs}
        until(
            lambda: (
                {name: len(events) for name, events in accepted_events(receiver.ledger).items()}
                == {name: len(events) for name, events in expected.items()}
            ),
            "all deliveries",
            deadline_seconds=180,
        )
    assert accepted_events(receiver.ledger) == expected
    assert all(len(events) == 3 for events in expected.values())
    by_event = defaultdict(set)
    for received in receiver.ledger:
        by_event[received.json["data"]["event"]["id"]].add(received.id)
    assert all(len(ids) == 1 for ids in by_event.values()), "an event came under two ids"
