"""What the services tell about their guards, by the settings; never what would let anybody in."""

from pathlib import Path
from typing import Any

import pytest

from mainspring_cli.config import Config
from mainspring_cli.services.security_mode import api_facts, execution_facts, scheduler_facts, worker_facts

HOME = Path("/srv/mainspring")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        pytest.param(
            {},
            {
                "address": "127.0.0.1, reached by this machine alone",
                "authentication": "tokens and passwords; the administrator has a token made here",
                "transport": "clear text, within this machine",
                "database": "SQLite, a file on this machine",
                "redis": "not used",
                "executors": "thread: functions share a process, all tasks run as the user of the scheduler",
            },
            id="as it comes",
        ),
        pytest.param(
            {"host": "0.0.0.0", "admin_token": "k3y", "tls_certificate": Path("/c"), "tls_key": Path("/k")},
            {
                "address": "0.0.0.0, reached by other machines",
                "authentication": "tokens and passwords; the administrator has a token from the settings",
                "transport": "TLS",
            },
            id="TLS",
        ),
        pytest.param(
            {"host": "10.0.0.1", "admin_token": "k3y", "behind_proxy": True},
            {"transport": "clear text, to a proxy that ends TLS"},
            id="behind a proxy",
        ),
        pytest.param(
            {"executor": ("thread", "local"), "task_user": "tasks"},
            {
                "executors": "thread: functions share a process, all tasks run as the user 'tasks'; "
                "local: a process for each task, as the user 'tasks'",
            },
            id="tasks of another user",
        ),
        pytest.param(
            {"executor": ("local", "rq", "ours")},
            {
                "redis": "not known to this service",
                "executors": "local: a process for each task, as the user of the scheduler; "
                "rq: a process for each task, as the user of the workers, who do not reach the database; "
                "ours: an installed package's own",
            },
            id="several executors",
        ),
    ],
)
def test_what_guards_the_api(settings: dict[str, Any], told: dict[str, str]) -> None:
    facts = api_facts(Config(home=HOME, **settings))
    assert facts == {**facts, **told}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://app:pw@db.test/x", "on another machine as 'app'; TLS is not demanded"),
        ("postgresql://app@db.test/x?sslmode=prefer", "on another machine as 'app'; TLS is not demanded"),
        ("postgresql://app@db/x?sslmode=require", "on another machine as 'app'; TLS, its certificate is not checked"),
        (
            "postgresql://app@db/x?sslmode=verify-ca",
            "on another machine as 'app'; TLS, its certificate is checked, its name is not",
        ),
        (
            "postgresql://app@db/x?sslmode=verify-full",
            "on another machine as 'app'; TLS, its certificate and name are checked",
        ),
        ("postgresql+psycopg://app:pw@127.0.0.1/x", "on this machine as 'app'"),
        ("postgresql://app@/x?host=%2Fvar%2Frun", "on this machine as 'app'"),
        ("postgresql:///x", "on this machine"),
        ("postgresql://app@/x?host=localhost&host=db2", "on another machine as 'app'; TLS is not demanded"),
    ],
)
def test_where_the_database_is_and_as_whom(url: str, told: str) -> None:
    assert scheduler_facts(Config(home=HOME, database_url=url))["database"] == f"PostgreSQL {told}"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://127.0.0.1:6379/0", "clear text, to this machine; no password"),
        ("redis://:pw@redis:6379/0", "clear text, to another machine; a password"),
        ("rediss://worker:pw@redis:6379/0", "TLS, to another machine; user 'worker' with a password"),
        ("unix:///run/redis.sock", "a socket of this machine"),
        (
            "redis+sentinel://:pw@127.0.0.1:26379,redis2:26379/main/0",
            "clear text, to the server that Sentinels name; a password; "
            "clear text, to Sentinels on another machine; no password",
        ),
        (
            "rediss+sentinel://app:pw@localhost,[::1]:26380/main?sentinel_password=spw",
            "TLS, to the server that Sentinels name; user 'app' with a password; "
            "clear text, to Sentinels on this machine; a password",
        ),
        (
            "redis+sentinel://localhost:x/main",
            "clear text, to the server that Sentinels name; no password; "
            "clear text, to Sentinels on another machine; no password",
        ),
    ],
)
def test_where_redis_is_and_as_whom(url: str, told: str) -> None:
    config = Config(home=HOME, executor=("thread", "rq"), redis_url=url)
    assert api_facts(config)["redis"] == told
    assert scheduler_facts(config)["redis"] == told
    assert worker_facts(config)["redis"] == told


def test_a_scheduler_without_redis_tells_nothing_of_it() -> None:
    assert scheduler_facts(Config(home=HOME, redis_url="redis://redis")).keys() == {"database", "executors"}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        pytest.param(
            {"tls_certificate": Path("/c")},
            {
                "address": "127.0.0.1, reached by this machine alone",
                "authentication": "tokens of workers: one made here",
                "transport": "clear text, within this machine",
            },
            id="as it comes",
        ),
        pytest.param(
            {"execution_host": "10.0.0.1", "worker_token": ("k3y", "other"), "tls_certificate": Path("/c")},
            {
                "address": "10.0.0.1, reached by other machines",
                "authentication": "tokens of workers: 2 from the settings",
                "transport": "TLS",
            },
            id="TLS",
        ),
    ],
)
def test_what_guards_the_execution_api(settings: dict[str, Any], told: dict[str, str]) -> None:
    facts = execution_facts(Config(home=HOME, **settings))
    assert facts == {**facts, **told}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:8081", "clear text, to this machine"),
        ("http://execution-api:8081", "clear text, to another machine"),
        ("https://flows.example.test:8081", "TLS, to another machine"),
    ],
)
def test_how_a_worker_speaks_to_the_execution_api(url: str, told: str) -> None:
    assert worker_facts(Config(home=HOME, redis_url="redis://redis", execution_url=url))["execution API"] == told


@pytest.mark.parametrize(
    "password", ["canary", "c/anary", "c#anary", "c?anary", "c[anary", "x@canary", "c:anary", "@canary/"]
)
def test_no_password_is_told_however_it_is_spelled(password: str) -> None:
    config = Config(
        home=HOME,
        executor=("rq",),
        admin_token=password,
        worker_token=(password,),
        database_url=f"postgresql://app:{password}@db.test/x?sslmode=require",
        migrator_database_url=f"postgresql://owner:{password}@db.test/x",
        redis_url=f"redis://:{password}@redis:6379/0",
        execution_url=f"http://user:{password}@api:8081",
    )
    for facts in (api_facts, execution_facts, scheduler_facts, worker_facts):
        assert "anary" not in " ".join(facts(config).values())
