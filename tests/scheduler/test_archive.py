"""The archive of pruned runs: complete, on the disk before the rows go, and in the way when it cannot be written."""

import fcntl
import json
import os
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mainspring.retention import Policy, RunPolicy
from mainspring_store.retention import Archive, ArchiveUnavailable, archive, sweep
from mainspring_store.retention.archive import FIELDS
from tests.scheduler.engine import Engine
from tests.scheduler.test_retention import run_ids

POLICY = Policy(of_runs=RunPolicy(runs=timedelta(days=7), failed_runs=timedelta(days=7), keep_last=1))


@pytest.fixture
def old(engine: Engine) -> Engine:
    """Two old runs, one with a retry, and a new one."""
    version = engine.save("etl", {"a": {"retries": 1, "retry_delay": "PT1S"}})
    for run_id in ("r1", "r2", "r3"):
        if run_id == "r3":
            engine.clock.move(timedelta(days=9))
        engine.trigger(version, run_id, conf={"city": "서울"} if run_id == "r1" else None)
        engine.run_until_idle()
        if run_id == "r1":
            engine.fail("a", run_id=run_id)
            engine.clock.move(timedelta(seconds=5))
            engine.run_until_idle()
        engine.finish("a", run_id=run_id)
    return engine


def prune(engine: Engine, folder: Path) -> None:
    list(sweep(engine.database, POLICY, now=engine.clock.now(), archive=Archive(folder)))


def lines(folder: Path) -> list[dict[str, Any]]:
    (file,) = folder.iterdir()
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_runs_with_tries_and_events_are_archived_as_documented(old: Engine, tmp_path: Path) -> None:
    prune(old, tmp_path / "archive")
    assert run_ids(old) == ["r3"]
    (file,) = (tmp_path / "archive").iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == ("runs-2026-03-10.ndjson", 0o600)
    written = lines(tmp_path / "archive")
    for line in written:
        assert tuple(line) == FIELDS[line["type"]]
    of_first = [line for line in written if line["run_id"] == "r1"]
    (run,) = [line for line in of_first if line["type"] == "run"]
    assert (run["state"], run["conf"], run["version_number"]) == ("success", {"city": "서울"}, 1)
    assert run["start_date"] == "2026-03-01T12:00:00Z"
    tries = [line for line in of_first if line["type"] == "try"]
    assert [(line["try_number"], line["state"]) for line in tries] == [(1, "failed"), (2, "success")]
    events = [line for line in of_first if line["type"] == "event"]
    assert [line["seq"] for line in events] == list(range(len(events)))
    assert (events[-1]["kind"], events[-1]["state"]) == ("run", "success")


def test_the_page_names_every_field() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    section = page.partition("### The archive")[2].partition("### The clock")[0]
    for kind, names in FIELDS.items():
        missing = [name for name in names if f"`{name}`" not in section]
        assert missing == [], kind


def test_nothing_is_deleted_that_cannot_be_archived(old: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ArchiveUnavailable, match=r"cannot be written: .*; nothing is pruned"):
        prune(old, tmp_path / "file")
    assert run_ids(old) == ["r1", "r2", "r3"]
    prune(old, tmp_path / "archive")
    assert run_ids(old) == ["r3"]


def test_a_line_that_was_cut_off_spoils_no_other_line(old: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "runs-2026-03-10.ndjson").write_text('{"type":"run","dag')
    prune(old, folder)
    torn, *rest = (folder / "runs-2026-03-10.ndjson").read_text().splitlines()
    assert torn == '{"type":"run","dag'
    assert {json.loads(line)["run_id"] for line in rest} == {"r1", "r2"}


def test_the_name_of_a_new_file_is_on_the_disk_too(
    old: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bool] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    prune(old, tmp_path / "archive")
    assert run_ids(old) == ["r3"]
    with old.database.read() as connection:
        Archive(tmp_path / "archive").write(connection, [1], now=old.clock.now())
    assert synced == [True, False, False], "once for the file, before its first lines"


def test_nothing_is_done_for_no_runs(old: Engine, tmp_path: Path) -> None:
    with old.database.read() as connection:
        Archive(tmp_path / "archive").write(connection, [], now=old.clock.now())
    assert not (tmp_path / "archive").exists()


def test_two_sweeps_append_one_after_the_other(old: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end_torn_line = archive._end_torn_line
    turns: list[str] = []

    def other_sweep(path: Path, descriptor: int) -> None:
        with path.open("ab") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        turns.append(path.name)
        end_torn_line(path, descriptor)

    monkeypatch.setattr(archive, "_end_torn_line", other_sweep)
    prune(old, tmp_path / "archive")
    assert turns
    with (tmp_path / "archive" / turns[0]).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # free again


def test_a_large_run_is_archived_once_and_whole(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mainspring_store.retention.sweeps.BATCH_MAX", 10)
    monkeypatch.setattr("mainspring_store.retention.sweeps.LARGE_RUN", 10)
    wide = engine.save("wide", {f"t{number}": {"type": "noop"} for number in range(100)})
    for run_id in ("r1", "r2"):
        engine.trigger(wide, run_id)
        engine.run_until_idle()
        engine.clock.move(timedelta(days=9))
    prune(engine, tmp_path / "archive")
    assert run_ids(engine) == ["r2"]
    written = lines(tmp_path / "archive")
    assert [line["run_id"] for line in written if line["type"] == "run"] == ["r1"]
    assert (
        len({(line["task_id"], line["state"]) for line in written if line["type"] == "event" and line["task_id"]})
        >= 100
    )
