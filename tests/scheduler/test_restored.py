"""What becomes of a restored database: attempts that were under way, schedules, tokens, followers of events."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select

from mainspring.hook_signatures import HookKind
from mainspring_scheduler.duties.rescue import find_lost
from mainspring_store import Database
from mainspring_store.access.installation import holds_schedules, keep_webhook_key, release_schedules
from mainspring_store.access.roles import Role
from mainspring_store.access.sessions import NewSession, add_session, find_session
from mainspring_store.access.tokens import add_token, find_token
from mainspring_store.backups import BackupError, check_keys, prepare_restored
from mainspring_store.backups.restored import EVENTS_SKIPPED
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.queries.events import floor_of_feed, is_drawn
from mainspring_store.resources import heartbeats
from mainspring_store.resources.hooks import NewHook, Rotation, create_hook, rotate_hook
from mainspring_store.resources.secrets import put_secret
from mainspring_store.tables import audit_event, dag_run, feed_event
from tests.scheduler.engine import Engine
from tests.scheduler.test_remote import REMOTE, claim, claim_request, finish, renew

DAILY = {"schedule": {"cron": "0 0 * * *", "timezone": "UTC"}, "start_date": "2026-01-01", "catchup": False}
MakeEngine = Callable[..., Engine]


def restore(engine: Engine, *, keeps_tokens: bool = False) -> None:
    prepare_restored(engine.database, keeps_tokens=keeps_tokens, now=engine.clock.now())


def rescue(engine: Engine, incarnation: str, *, is_exclusive: bool) -> int:
    """What a scheduler does at its start; returns the number of lost attempts."""
    lost = find_lost(
        engine.database,
        engine.executors,
        incarnation=incarnation,
        is_exclusive=is_exclusive,
        now=engine.clock.now(),
    )
    engine.scheduler.inject(lost)
    engine.run_until_idle()
    return len(lost)


@pytest.mark.parametrize("capabilities", [{}, {"capabilities": REMOTE}], ids=["local", "remote"])
def test_a_restored_running_attempt_is_lost_and_retried(
    make_engine: MakeEngine, capabilities: Mapping[str, Any]
) -> None:
    before = make_engine(**capabilities)
    heartbeats.register_service(
        before.database, incarnation="first", kind="scheduler", hostname="h", pid=1, version="1", details={},
        now=before.clock.now(),
    )  # fmt: skip
    before.trigger(before.save("etl", {"a": {"retries": 1, "retry_delay": "PT1S"}}))
    before.run_until_idle()
    if capabilities:
        claim(before, "a")
    else:
        before.start("a")
    before.run_until_idle()
    assert before.states() == {"a": "running"}
    restore(before)
    # The scheduler of before has a fresh heartbeat in the backup: that must not keep its attempts.
    after = make_engine(incarnation="second", **capabilities)
    assert rescue(after, "second", is_exclusive=False) == 1
    assert [row.state for row in after.tries("a")] == ["lost"]
    assert "the backup was made" in after.tries("a")[0].message
    assert after.states() == {"a": "up_for_retry"}
    after.clock.move(timedelta(minutes=1))
    after.run_until_idle()
    assert [row.state for row in after.tries("a")] == ["lost", "queued"]
    assert after.tries("a")[0].stopped_at is not None
    if not capabilities:
        after.finish("a")
        assert after.run()["state"] == "success"


def test_a_worker_of_before_gets_no_word_in(make_engine: MakeEngine) -> None:
    engine = make_engine(capabilities=REMOTE)
    engine.trigger(engine.save("etl", {"claimed": {}, "waiting": {}}))
    engine.run_until_idle()
    claim(engine, "claimed")
    attempt_id = engine.attempt("claimed").attempt_id
    restore(engine)
    assert renew(engine, attempt_id) == frozenset()
    assert not finish(engine, "claimed")
    # The message of the attempt still lies in Redis.
    assert claim(engine, "waiting") is None
    assert claim(engine, "claimed") is None
    assert rescue(engine, "second", is_exclusive=False) == 2
    # Retried under another id, which no message of before names.
    assert claim_request(engine, "waiting").attempt_id != attempt_id
    assert claim(engine, "waiting") is not None


def test_an_attempt_that_no_worker_had_begun_pays_no_try_and_a_claimed_one_does(make_engine: MakeEngine) -> None:
    engine = make_engine(capabilities=REMOTE)
    engine.trigger(engine.save("etl", {"claimed": {}, "waiting": {}}))
    engine.run_until_idle()
    claim(engine, "claimed", is_ahead=True)
    engine.run_until_idle()
    assert engine.states() == {"claimed": "queued", "waiting": "queued"}
    restore(engine)
    rescue(engine, "second", is_exclusive=True)
    assert engine.states() == {"claimed": "failed", "waiting": "queued"}
    assert engine.instances()[0].state_reason == "worker_lost"


def test_an_end_that_was_in_the_inbox_counts(make_engine: MakeEngine) -> None:
    engine = make_engine(capabilities=REMOTE)
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    claim(engine, "a")
    engine.run_until_idle()
    assert finish(engine, "a")
    restore(engine)
    rescue(engine, "second", is_exclusive=False)
    assert engine.states() == {"a": "success"}
    assert engine.run()["state"] == "success"


def test_schedules_and_backfills_make_no_runs_until_released(engine: Engine) -> None:
    engine.save("daily", {"a": {}}, **DAILY)
    restore(engine)
    assert holds_schedules(engine.database)
    engine.scheduler.is_held = holds_schedules(engine.database)
    engine.run_until_idle()
    engine.clock.move(timedelta(days=1))
    engine.run_until_idle()
    assert count(engine.database, dag_run) == 0
    assert release_schedules(engine.database)
    assert not release_schedules(engine.database)
    engine.scheduler.is_held = holds_schedules(engine.database)
    engine.run_until_idle()
    assert count(engine.database, dag_run) == 1
    engine.finish("a", run_id=engine.executor.open[0].run_id)


@pytest.mark.parametrize("keeps_tokens", [False, True])
def test_tokens_and_sessions_of_before_are_revoked_unless_kept(engine: Engine, keeps_tokens: bool) -> None:
    now = engine.clock.now()
    key = add_token(engine.database, "ms_secret", name="ci", role=Role.OPERATOR, grants=[], now=now)
    assert key is not None
    new = NewSession(secret="cookie", user_id=None, token_id=key, client="browser")
    with engine.database.write() as connection:
        add_session(connection, new, now=now)
    restore(engine, keeps_tokens=keeps_tokens)
    assert (find_token(engine.database, "ms_secret") is not None) == keeps_tokens
    assert (find_session(engine.database, "cookie") is not None) == keeps_tokens
    with engine.database.read() as connection:
        (event,) = connection.execute(select(audit_event)).all()
    assert (event.event, event.extra["tokens"]) == ("restore", 0 if keeps_tokens else 1)


def test_a_follower_whose_place_the_original_gave_out_later_begins_anew(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    with engine.database.read() as connection:
        last = connection.scalar(select(func.max(feed_event.c.id))) or 0
    restore(engine)
    assert floor_of_feed(engine.database) > last + 100_000
    assert is_drawn(engine.database, last + 100_000)
    engine.finish("a")
    with engine.database.read() as connection:
        assert (connection.scalar(select(func.max(feed_event.c.id))) or 0) > floor_of_feed(engine.database)


def test_a_second_restore_skips_numbers_again(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    restore(engine)
    first = floor_of_feed(engine.database)
    restore(engine)
    assert floor_of_feed(engine.database) == first + EVENTS_SKIPPED


def test_a_key_ring_that_cannot_open_the_secrets_is_refused(database: Database, tmp_path: Path) -> None:
    from tests.scheduler.engine import START

    ring = KeyRing(tmp_path / "keys")
    assert check_keys(database, ring) == 0
    put_secret(database, ring, "warehouse", "hunter2", now=START)
    assert check_keys(database, ring) == 1
    for other in (KeyRing(tmp_path / "absent"), KeyRing(tmp_path / "x", ["A" * 43 + "="])):
        with pytest.raises(BackupError, match="cannot open 1 of 1 secrets, among them secret 'warehouse'"):
            check_keys(database, other)


def test_the_keys_must_open_each_secret_of_a_hook_and_the_key_of_webhooks(engine: Engine, tmp_path: Path) -> None:
    old, new = (KeyRing(tmp_path / "none", [Fernet.generate_key().decode()]) for _ in range(2))
    engine.save("etl", {"a": {}})
    hook_id = create_hook(engine.database, old, HOOK, now=engine.clock.now())
    until = engine.clock.now() + timedelta(hours=1)
    rotation = Rotation(url_part=None, secret="fresh", previous_until=until)
    rotate_hook(engine.database, new, hook_id, rotation, now=engine.clock.now())
    with pytest.raises(BackupError, match="cannot open 1 of 2 secrets, among them previous secret of hook 'push'"):
        check_keys(engine.database, new)
    with pytest.raises(BackupError, match="cannot open 1 of 2 secrets, among them hook 'push'"):
        check_keys(engine.database, old)
    both = KeyRing(tmp_path / "none", [*new.keys, *old.keys])
    assert check_keys(engine.database, both) == 2
    keep_webhook_key(engine.database, KeyRing(tmp_path / "other"), lambda: "whsk")
    with pytest.raises(BackupError, match="cannot open 1 of 3 secrets, among them private key of webhooks"):
        check_keys(engine.database, both)


HOOK = NewHook(
    name="push",
    dag_id="etl",
    principal_id="ann",
    kind=HookKind.GITHUB,
    url_part="mh_part",
    secret="first",
    conf=None,
    filter=None,
    description=None,
    is_enabled=True,
)


def count(database: Database, table: Any) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0
