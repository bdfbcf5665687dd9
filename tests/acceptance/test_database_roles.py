"""A database whose services may not change tables: what its checks and upgrades say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mainspring_store.schema.migrate import head_revision
from tests.acceptance.database import db
from tests.services.postgres import PostgresServer
from tests.services.roles import TwoRoles, two_roles

EMPTY = f"database empty, this version {head_revision()}\n"


@pytest.fixture
def roles(postgres_server: PostgresServer) -> Iterator[TwoRoles]:
    with two_roles(postgres_server) as roles:
        yield roles


def test_a_check_tells_when_the_services_could_change_tables(tmp_path: Path, roles: TwoRoles) -> None:
    before = db("check", tmp_path, database_url=roles.service_url)
    assert before.returncode == 1
    assert before.stdout.startswith(EMPTY)
    assert "sessions: read committed, UTF8, schema public" in before.stdout
    assert db("upgrade", tmp_path, database_url=roles.migrator_url).returncode == 0
    unknown = db("check", tmp_path, database_url=roles.service_url)
    assert unknown.returncode == 1
    assert "permission denied for table alembic_version; run `mainspring db upgrade`" in unknown.stderr
    both = {"database_url": roles.service_url, "migrator_database_url": roles.migrator_url}
    assert db("upgrade", tmp_path, **both).returncode == 0
    after = db("check", tmp_path, database_url=roles.service_url)
    assert (after.returncode, after.stderr) == (0, "")
    owner = db("check", tmp_path, database_url=roles.migrator_url)
    assert owner.returncode == 0
    assert "may change tables; the services need not: set migrator_database_url" in owner.stderr


@pytest.mark.parametrize(
    ("url", "exit_code", "reason"),
    [
        pytest.param("sqlite:////tmp/x.db", 78, "it must name the role of the services", id="SQLite"),
        pytest.param("postgresql://127.0.0.1/x", 78, "it must name the role of the services", id="no role"),
        pytest.param("postgresql://nobody@127.0.0.1/x", 1, "the database has no role 'nobody'", id="unknown role"),
    ],
)
def test_an_upgrade_that_does_not_know_whom_it_is_for_changes_nothing(
    tmp_path: Path, roles: TwoRoles, url: str, exit_code: int, reason: str
) -> None:
    answer = db("upgrade", tmp_path, database_url=url, migrator_database_url=roles.migrator_url)
    assert answer.returncode == exit_code
    assert reason in answer.stderr
    assert db("check", tmp_path, database_url=roles.service_url).stdout.startswith(EMPTY)
