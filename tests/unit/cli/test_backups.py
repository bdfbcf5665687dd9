"""`mainspring backup` and `mainspring restore`: sound files, refused files, and what must never be overwritten."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, func, insert, select, text

from mainspring.errors import Conflict, MainspringError
from mainspring_cli.config import Config, ConfigError, load_config
from mainspring_cli.main import cli
from mainspring_cli.services import backups
from mainspring_cli.services.backups import (
    _refuse_sessions,
    back_up,
    back_up_keys,
    restore_dump,
    restore_file,
    resume_schedules,
    verify_backup,
)
from mainspring_cli.services.commands import key_ring
from mainspring_cli.services.database import downgrade_database
from mainspring_store import Database, open_database
from mainspring_store.access.installation import holds_schedules
from mainspring_store.backups import BackupError
from mainspring_store.backups.files import MANIFEST_TABLE
from mainspring_store.database.lease import take_file_lease, take_scheduler_lease
from mainspring_store.resources import heartbeats
from mainspring_store.resources.secrets import open_secrets, put_secret
from mainspring_store.schema.migrate import SchemaMismatch, downgrade, migrate
from mainspring_store.tables import service, variable
from tests.services.postgres import PostgresServer

NOW = datetime.now(UTC)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """An instance with a variable and a secret."""
    config = config_of(tmp_path / "home")
    config.home.mkdir()
    with closing(open_database(config.store_url)) as database:
        migrate(database)
        write_city(database, "Seoul")
        put_secret(database, key_ring(config), "warehouse", "hunter2-in-clear", now=NOW)
    return config


def config_of(home: Path, **settings: str) -> Config:
    return load_config({"home": str(home), **settings}, {}).config


def write_city(database: Database, city: str) -> None:
    with database.write() as connection:
        connection.execute(delete(variable))
        connection.execute(insert(variable), {"key": "city", "value": city, "updated_at": NOW})


def variables(config: Config) -> dict[str, str]:
    with closing(open_database(config.store_url)) as database, database.read() as connection:
        return {row.key: row.value for row in connection.execute(select(variable.c.key, variable.c.value))}


def test_a_backup_is_private_and_holds_neither_keys_nor_clear_secrets(config: Config, tmp_path: Path) -> None:
    file = tmp_path / "nightly.backup"
    manifest = back_up(config, file)
    assert file.stat().st_mode & 0o777 == 0o600
    content = file.read_bytes()
    (key,) = key_ring(config).keys
    assert key.encode() not in content
    assert b"hunter2-in-clear" not in content
    assert list(manifest.key_fingerprints) == key_ring(config).fingerprints
    assert verify_backup(config, file) == (manifest, True)
    assert [path.name for path in tmp_path.iterdir()] == ["home", "nightly.backup"] or file.exists()
    assert not list(tmp_path.glob("*partial*"))


def test_a_backup_is_restored_into_an_empty_home_with_its_keys(config: Config, tmp_path: Path) -> None:
    back_up(config, tmp_path / "b")
    back_up_keys(config, tmp_path / "k")
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600
    other = config_of(tmp_path / "other")
    with pytest.raises(BackupError, match=r"cannot open 1 of 1 secrets.*secret-keys"):
        restore_file(other, tmp_path / "b", keeps_tokens=False, replaces=False)
    assert not (other.home / "mainspring.db").exists()
    assert not list(other.home.glob("*restore*"))
    (tmp_path / "k").rename(other.home / "secret-keys")
    restore_file(other, tmp_path / "b", keeps_tokens=False, replaces=False)
    assert variables(other) == {"city": "Seoul"}
    with closing(open_database(other.store_url)) as database:
        assert open_secrets(database, key_ring(other), ["warehouse"]).values == {"warehouse": "hunter2-in-clear"}
        with database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA auto_vacuum").scalar() == 2
            assert (
                connection.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = :n"), {"n": MANIFEST_TABLE})
                == 0
            )
    assert (other.home / "mainspring.db").stat().st_mode & 0o777 == 0o600
    assert resume_schedules(other)
    assert not resume_schedules(other)


def test_a_backup_made_while_a_writer_is_at_work_is_one_snapshot(config: Config, tmp_path: Path) -> None:
    with closing(open_database(config.store_url)) as database, database.write() as connection:
        connection.execute(text("UPDATE variable SET value = 'half'"))
        back_up(config, tmp_path / "b")
    restore_file(
        config_of(tmp_path / "other", secret_keys=key_ring(config).keys[0]), tmp_path / "b",
        keeps_tokens=False, replaces=False,
    )  # fmt: skip
    assert variables(config_of(tmp_path / "other")) == {"city": "Seoul"}


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_half_written_backup_is_refused(config: Config, tmp_path: Path, share: float) -> None:
    back_up(config, tmp_path / "b")
    content = (tmp_path / "b").read_bytes()
    (tmp_path / "piece").write_bytes(content[: int(len(content) * share)])
    for action in (lambda: verify_backup(config, tmp_path / "piece"), lambda: restored(config, tmp_path / "piece")):
        with pytest.raises(BackupError, match=r"no SQLite file|half-written|cut off|may be damaged|is damaged"):
            action()
    assert variables(config) == {"city": "Seoul"}


def restored(config: Config, path: Path) -> object:
    return restore_file(config, path, keeps_tokens=False, replaces=True)


def test_a_changed_byte_is_noticed(config: Config, tmp_path: Path) -> None:
    back_up(config, tmp_path / "b")
    content = bytearray((tmp_path / "b").read_bytes())
    content[content.index(b"Seoul")] ^= 1
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(BackupError, match="changed after it was written"):
        verify_backup(config, tmp_path / "b")


def test_a_database_without_a_manifest_is_no_backup(config: Config, tmp_path: Path) -> None:
    with closing(sqlite3.connect(config.home / "mainspring.db")) as source:
        source.execute("VACUUM INTO ?", (str(tmp_path / "copy"),))
    with pytest.raises(BackupError, match="no manifest"):
        verify_backup(config, tmp_path / "copy")
    (tmp_path / "text").write_text("no database at all, but long enough")
    with pytest.raises(BackupError, match="no SQLite file"):
        verify_backup(config, tmp_path / "text")
    with pytest.raises(BackupError, match="No such file"):
        verify_backup(config, tmp_path / "absent")


def test_a_backup_of_a_later_version_is_refused(config: Config, tmp_path: Path) -> None:
    with closing(sqlite3.connect(config.home / "mainspring.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    back_up(config, tmp_path / "b")
    with pytest.raises(BackupError, match=r"of a later version: .*tables of revision 9999"):
        restore_file(config_of(tmp_path / "other"), tmp_path / "b", keeps_tokens=False, replaces=False)
    assert not (tmp_path / "other" / "mainspring.db").exists()


def test_neither_backup_nor_keys_overwrite_a_file(config: Config, tmp_path: Path) -> None:
    (tmp_path / "b").write_text("precious")
    with pytest.raises(BackupError, match="never overwrites"):
        back_up(config, tmp_path / "b")
    with pytest.raises(BackupError, match="never overwrite"):
        back_up_keys(config, tmp_path / "b")
    assert (tmp_path / "b").read_text() == "precious"
    with pytest.raises(BackupError, match="No such file"):
        back_up(config, tmp_path / "absent" / "b")


def test_an_existing_database_is_replaced_only_on_request_and_kept(config: Config, tmp_path: Path) -> None:
    back_up(config, tmp_path / "b")
    with closing(open_database(config.store_url)) as database:
        write_city(database, "Busan")
    with pytest.raises(Conflict, match="--replace"):
        restore_file(config, tmp_path / "b", keeps_tokens=False, replaces=False)
    assert variables(config) == {"city": "Busan"}
    restore_file(config, tmp_path / "b", keeps_tokens=False, replaces=True)
    assert variables(config) == {"city": "Seoul"}
    (kept,) = config.home.glob("mainspring.db.before-restore-????????T??????")
    assert variables(config_of(config.home, database_url=f"sqlite:///{kept}")) == {"city": "Busan"}


def test_a_database_in_use_is_not_replaced(config: Config, tmp_path: Path) -> None:
    back_up(config, tmp_path / "b")
    with closing(open_database(config.store_url)) as database:
        lease = take_scheduler_lease(database)
        with pytest.raises(Conflict, match="another scheduler runs"):
            restored(config, tmp_path / "b")
        lease.release()
        heartbeats.register_service(
            database, incarnation="a", kind="api", hostname="h", pid=1, version="1", details={}, now=datetime.now(UTC)
        )
        with pytest.raises(Conflict, match="services use"):
            restored(config, tmp_path / "b")
        with database.write() as connection:
            connection.execute(service.delete())
    restored(config, tmp_path / "b")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: b"garbage" * 20 + content[140:], id="header"),
        pytest.param(lambda content: content[:5000], id="cut-off"),
        pytest.param(lambda content: content[:4096] + b"\xff" * (len(content) - 4096), id="overwritten"),
        pytest.param(lambda content: content[:100] + os.urandom(len(content) - 100), id="random"),
    ],
)
def test_a_damaged_database_is_replaced_and_kept(
    config: Config, tmp_path: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    back_up(config, tmp_path / "b")
    file = config.home / "mainspring.db"
    damaged = damage(file.read_bytes())
    file.write_bytes(damaged)
    lease = take_file_lease(file)
    with pytest.raises(Conflict, match="another scheduler runs"):
        restored(config, tmp_path / "b")
    lease.release()
    restored(config, tmp_path / "b")
    assert "nobody can tell whether services use it" in caplog.text
    assert variables(config) == {"city": "Seoul"}
    (kept,) = config.home.glob("mainspring.db.before-restore-????????T??????")
    assert kept.read_bytes() == damaged


@pytest.mark.parametrize("revision", ["0001", "0016"])
def test_services_on_tables_of_an_earlier_revision_are_users(config: Config, tmp_path: Path, revision: str) -> None:
    back_up(config, tmp_path / "b")
    with closing(open_database(config.store_url)) as database:
        downgrade(database, revision)
        heartbeats.register_service(
            database, incarnation="a", kind="api", hostname="h", pid=1, version="1", details={}, now=datetime.now(UTC)
        )
    with pytest.raises(Conflict, match="services use"):
        restored(config, tmp_path / "b")
    with pytest.raises(Conflict, match="services use"):
        downgrade_database(config)


def test_an_admin_token_of_before_is_made_anew(config: Config, tmp_path: Path) -> None:
    back_up(config, tmp_path / "b")
    token = config.home / "admin-token"
    token.write_text("ms_old")
    restore_file(config, tmp_path / "b", keeps_tokens=True, replaces=True)
    assert token.exists()
    restored(config, tmp_path / "b")
    assert not token.exists()


def test_postgresql_has_tools_of_its_own(
    postgres_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "_SESSIONS_END_SECONDS", 0.0)
    url = postgres_database.engine.url.render_as_string(hide_password=False)
    config = config_of(tmp_path, database_url=url)
    with pytest.raises(ConfigError, match="pg_dump"):
        back_up(config, tmp_path / "b")
    with pytest.raises(ConfigError, match="pg_restore"):
        restore_file(config, tmp_path / "b", keeps_tokens=False, replaces=False)
    with postgres_database.read() as connection:
        connection.execute(select(func.now()))
        with pytest.raises(Conflict, match="other sessions use the database"):
            restore_dump(config, keeps_tokens=False)
    with pytest.raises(ConfigError, match="give the file"):
        restore_dump(config_of(tmp_path), keeps_tokens=False)


def test_a_dump_of_a_later_version_is_refused_and_not_changed(postgres_server: PostgresServer, tmp_path: Path) -> None:
    url = postgres_server.create_database()
    with closing(open_database(url)) as database:
        migrate(database)
        with database.write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaMismatch, match="revision 9999, later than"):
        restore_dump(config_of(tmp_path, database_url=url), keeps_tokens=False)
    with closing(open_database(url)) as database:
        assert not holds_schedules(database)
    postgres_server.drop_database(url)


def test_processes_of_the_server_itself_count_as_no_session(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "_SESSIONS_END_SECONDS", 0.0)
    url = postgres_database.engine.url.update_query_dict({"options": "-csearch_path=seen,pg_catalog"})
    with postgres_database.write() as connection:
        connection.execute(text("CREATE SCHEMA seen"))
    try:
        with closing(open_database(url.render_as_string(hide_password=False))) as database:
            for user in ("NULL", "10"):
                row = f"SELECT current_database() AS datname, -1 AS pid, {user}::oid AS usesysid"
                with postgres_database.write() as connection:
                    connection.execute(text(f"CREATE OR REPLACE VIEW seen.pg_stat_activity AS {row}"))
                refused = pytest.raises(Conflict, match="1 other sessions") if user != "NULL" else nullcontext()
                with refused:
                    _refuse_sessions(database)
    finally:
        with postgres_database.write() as connection:
            connection.execute(text("DROP SCHEMA seen CASCADE"))


def test_a_session_that_is_about_to_end_is_waited_for(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_database.engine.url.render_as_string(hide_password=False)
    with closing(open_database(url)) as database, postgres_database.engine.connect() as ending:
        ending.execute(select(func.now()))
        monkeypatch.setattr(backups.time, "sleep", lambda _: ending.invalidate())
        _refuse_sessions(database)


def test_the_commands_say_what_they_did(config: Config, tmp_path: Path) -> None:
    runner, home = CliRunner(), ["--home", str(config.home)]
    file, keys = str(tmp_path / "b"), str(tmp_path / "k")
    assert "0 runs" in runner.invoke(cli, ["backup", file, *home]).output
    assert "is sound" in runner.invoke(cli, ["backup", "verify", file, *home]).output
    assert "1 keys" in runner.invoke(cli, ["backup", "keys", keys, *home]).output
    other = ["--home", str(tmp_path / "other")]
    assert "none of its keys" in runner.invoke(cli, ["backup", "verify", file, *other]).output
    answer = runner.invoke(cli, ["restore", file, "--replace", *home])
    assert "held until: mainspring restore --resume" in answer.output
    assert "make runs again" in runner.invoke(cli, ["restore", "--resume", *home]).output
    assert "nothing was held" in runner.invoke(cli, ["restore", "--resume", *home]).output
    assert "takes no file" in runner.invoke(cli, ["restore", file, "--resume", *home]).output
    assert isinstance(runner.invoke(cli, ["backup", file, *home]).exception, MainspringError)
