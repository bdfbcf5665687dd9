"""Secrets on their way to attempts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from mainspring_store import Database
from mainspring_store.database.key_ring import KeyRing, key_file
from mainspring_store.resources.secrets import delete_secret, put_secret, rotate_keys
from tests.scheduler.engine import START, Engine

ENV = {"env": {"URL": {"secret": "db-url"}, "PLAIN": "${{ ds }}"}}


@pytest.fixture
def key_ring(tmp_path: Path) -> KeyRing:
    return KeyRing(key_file(tmp_path))


@pytest.fixture
def engine(make_engine: Callable[..., Engine], key_ring: KeyRing) -> Engine:
    return make_engine(key_ring=key_ring)


def put(engine: Engine, key_ring: KeyRing, name: str, value: str) -> None:
    put_secret(engine.database, key_ring, name, value, now=START)


def run(engine: Engine, run_id: str = "r1", **task: Any) -> None:
    engine.trigger(engine.save("etl", {"a": task}), run_id)
    engine.run_until_idle()


def everything(database: Database) -> str:
    """Every column of every row, as text."""
    with database.read() as connection:
        from mainspring_store.tables import metadata

        rows = [row for table in metadata.sorted_tables for row in connection.execute(text(f"SELECT * FROM {table}"))]
    return "\n".join(map(repr, rows))


def test_an_attempt_gets_the_secrets_it_names_apart_from_its_payload(engine: Engine, key_ring: KeyRing) -> None:
    put(engine, key_ring, "db-url", "postgres://u:canary@h")
    put(engine, key_ring, "other", "not asked for")
    run(engine, **ENV)
    attempt = engine.attempt("a")
    assert attempt.secrets == {"db-url": "postgres://u:canary@h"}
    assert attempt.payload["env"] == {"URL": {"secret": "db-url"}, "PLAIN": "2026-03-01"}
    assert "canary" not in repr(attempt)
    assert "canary" not in everything(engine.database)


@pytest.mark.parametrize(
    "task",
    [
        pytest.param({"type": "http", "url": "https://x.test", "headers": {"A": {"secret": "db-url"}}}, id="headers"),
        pytest.param({"type": "python", "callable": "m:f", **ENV}, id="env of a callable"),
        pytest.param(
            {
                "type": "wait",
                "http": {"url": "https://x.test", "headers": {"A": {"secret": "db-url"}, "B": "${{ ds }}"}},
            },
            id="headers of a wait",
        ),
        pytest.param({"type": "wait", "shell": {"command": ["x"], **ENV}}, id="env of a check"),
        pytest.param({"type": "wait", "python": {"callable": "m:f", **ENV}}, id="env of a callable that checks"),
    ],
)
def test_secrets_are_found_wherever_they_may_be_named(engine: Engine, key_ring: KeyRing, task: dict[str, Any]) -> None:
    put(engine, key_ring, "db-url", "value")
    run(engine, **task)
    assert engine.attempt("a").secrets == {"db-url": "value"}


def test_a_missing_secret_fails_its_task_at_once_with_the_cure(engine: Engine) -> None:
    run(engine, retries=3, **ENV)
    (instance,) = engine.instances()
    assert (instance.state, instance.state_reason) == ("failed", "secret_missing")
    assert "PUT /api/v2/secrets/db-url" in engine.tries("a")[0].message
    assert not engine.executor.submitted
    assert engine.run()["state"] == "failed"


def test_a_secret_under_keys_that_this_scheduler_lacks_fails_its_task_alone(
    engine: Engine, key_ring: KeyRing, tmp_path: Path
) -> None:
    put(engine, KeyRing(tmp_path / "others"), "db-url", "value")
    put(engine, key_ring, "good", "value")
    engine.trigger(engine.save("etl", {"a": ENV, "b": {"env": {"X": {"secret": "good"}}}}))
    engine.run_until_idle()
    assert engine.states() == {"a": "failed", "b": "queued"}
    assert "same keys" in engine.tries("a")[0].message


@pytest.mark.parametrize(
    "task",
    [
        pytest.param({"env": {"X": "${{ conf.x }}"}}, id="env"),
        pytest.param({"env": {"X": "${{ {'secret': 'db-url'} }}"}}, id="built by an expression"),
        pytest.param({"env": {"U": {"secret": "mine"}, "X": "${{ conf.x }}"}}, id="beside a literal"),
        pytest.param({"type": "http", "url": "https://x.test", "headers": {"A": "${{ conf.x }}"}}, id="headers"),
        pytest.param(
            {"type": "wait", "http": {"url": "https://x.test", "headers": {"A": "${{ conf.x }}"}}}, id="wait.http"
        ),
    ],
)
def test_a_secret_that_an_expression_names_fails_the_task(
    engine: Engine, key_ring: KeyRing, task: dict[str, Any]
) -> None:
    put(engine, key_ring, "db-url", "canary")
    put(engine, key_ring, "mine", "value")
    engine.trigger(engine.save("etl", {"a": task}), "r1", conf={"x": {"secret": "db-url"}})
    engine.run_until_idle()
    (instance,) = engine.instances()
    assert (instance.state, instance.state_reason) == ("failed", "expression_error")
    assert "never by an expression" in engine.tries("a")[-1].message
    assert not engine.executor.submitted


def test_a_new_value_reaches_the_next_try(engine: Engine, key_ring: KeyRing) -> None:
    put(engine, key_ring, "db-url", "old")
    run(engine, retries=1, retry_delay="0s", **ENV)
    put(engine, key_ring, "db-url", "new")
    engine.fail("a")
    assert engine.attempt("a").secrets == {"db-url": "new"}
    delete_secret(engine.database, "db-url")
    run(engine, "r2", **ENV)
    assert engine.states("r2") == {"a": "failed"}


def test_a_rotation_changes_every_ciphertext_and_no_value_while_the_scheduler_runs(
    engine: Engine, key_ring: KeyRing
) -> None:
    put(engine, key_ring, "db-url", "value")
    put(engine, key_ring, "other", "value")
    run(engine, **ENV)
    before = everything(engine.database)
    assert rotate_keys(engine.database, KeyRing(key_ring._file)) == 2
    assert before != everything(engine.database)
    run(engine, "r2", **ENV)
    assert engine.attempt("a", "r2").secrets == {"db-url": "value"}


def test_a_pass_over_tasks_without_secrets_does_not_ask_for_them(engine: Engine) -> None:
    from sqlalchemy import event

    asked = []
    event.listen(engine.database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    run(engine)
    assert asked
    assert not any("secret" in statement for statement in asked)
