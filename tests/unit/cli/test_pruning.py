"""`mainspring prune`: prints what a policy lets go, and deletes it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from mainspring.definition import parse_definition
from mainspring.states import RunType
from mainspring_cli.config import Config, ConfigError, load_config
from mainspring_cli.services.pruning import prune_history
from mainspring_store import open_database
from mainspring_store.resources.dags import save_dag
from mainspring_store.retention import ClockLeap, check_clock
from mainspring_store.schema.migrate import migrate
from mainspring_store.state.runs import NewRun, create_run
from mainspring_store.tables import dag_run

NOW = datetime.now(UTC)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Three runs that ended 200 days ago."""
    database = open_database(f"sqlite:///{tmp_path}/mainspring.db")
    migrate(database)
    definition = parse_definition({"dag_id": "etl", "tasks": {"a": {"type": "noop"}}}, media="json")
    version = save_dag(database, definition, by="test", now=NOW).version
    for number in range(3):
        new = NewRun(version=version, run_id=f"r{number}", run_type=RunType.MANUAL, conf={}, params={}, run_after=NOW)
        create_run(database, new, now=NOW)
    with database.write() as connection:
        connection.execute(update(dag_run).values(state="success", end_date=NOW - timedelta(days=200)))
    database.close()
    return load_config({"home": str(tmp_path), "retention_keep_last": "1"}, {}).config


def count_runs(config: Config) -> int:
    database = open_database(config.store_url)
    with database.read() as connection:
        count = connection.scalar(select(func.count()).select_from(dag_run)) or 0
    database.close()
    return count


def test_a_dry_run_tells_and_deletes_nothing(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = prune_history(config, is_dry_run=True, trusts_clock=False)
    assert (row["kind"], row["dag_id"], row["runs"]) == ("runs", "etl", 2)
    assert row["rows"] == 6
    assert row["bytes"] >= 6 * 500
    assert "runs=P180D" in capsys.readouterr().err
    assert count_runs(config) == 3
    assert list(prune_history(config, is_dry_run=False, trusts_clock=False)) == [row]
    assert count_runs(config) == 1


def test_a_clock_that_may_be_wrong_must_be_trusted_by_hand(config: Config) -> None:
    database = open_database(config.store_url)
    check_clock(database, NOW - timedelta(days=30))
    database.close()
    with pytest.raises(ClockLeap, match="jumped ahead"):
        list(prune_history(config, is_dry_run=False, trusts_clock=False))
    assert count_runs(config) == 3
    assert list(prune_history(config, is_dry_run=False, trusts_clock=True))
    assert count_runs(config) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("runs", "0s"), ("runs", "5m"), ("failed_runs", "90"), ("audit", "never"), ("keep_last", "0"), ("runs_max", "0")],
)
def test_a_policy_that_would_delete_everything_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"retention_{name}"):
        load_config({"home": str(tmp_path), f"retention_{name}": value}, {})
