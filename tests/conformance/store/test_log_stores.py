"""What every log store does, and what each does when it cannot."""

import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mainspring.errors import LogStoreUnavailable
from mainspring_store.database import log_stores
from mainspring_store.database.log_stores import CachedLogStore, InvalidLogStore, open_log_store
from tests.services.s3 import s3_server


@pytest.fixture(scope="module")
def s3_variables() -> Iterator[dict[str, str]]:
    with s3_server("logs") as variables:
        yield variables


@pytest.fixture(params=["folder", "s3"])
def setting(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "folder":
        return str(tmp_path / "logs")
    for name, value in request.getfixturevalue("s3_variables").items():
        monkeypatch.setenv(name, value)
    return f"s3://logs/{tmp_path.name}"


def keys(store: CachedLogStore) -> list[str]:
    return sorted(key for page in store.pages() for key, _ in page)


def test_objects_are_written_read_listed_and_deleted(setting: str) -> None:
    store = open_log_store(setting)
    data = os.urandom(9_000_000)
    store.put("ab/one.zst", data)
    store.put("cd/two.zst", b"small")
    for start, length in ((0, 10), (4_194_300, 10), (8_999_990, 10), (0, 9_000_000), (5, 0)):
        assert store.get("ab/one.zst", start, length) == data[start : start + length]
    assert keys(open_log_store(setting)) == ["ab/one.zst", "cd/two.zst"]
    written_at = [at for page in store.pages() for _, at in page]
    assert all(abs(datetime.now(UTC) - at) < timedelta(minutes=1) for at in written_at)
    store.delete(["ab/one.zst", "ab/absent.zst"])
    assert keys(store) == ["cd/two.zst"]
    store.put("cd/two.zst", b"again")
    assert open_log_store(setting).get("cd/two.zst", 0, 5) == b"again"
    store.check()
    assert keys(store) == ["cd/two.zst"]


def test_a_small_object_is_found_whole_and_an_absent_one_is_none(setting: str) -> None:
    store = open_log_store(setting)
    assert store.find("owner") is None
    store.put("owner", b"first")
    assert store.find("owner") == b"first"
    store.put("owner", b"second")
    assert store.find("owner") == b"second", "not as another read has seen it"


@pytest.mark.parametrize("size", [0, 9, 10, 11, 20])
def test_an_object_of_any_length_is_read_again(setting: str, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(log_stores, "_PIECE_BYTES", 10)
    store = open_log_store(setting)
    inner, data = store._store, b"x" * size
    store.put("ab/one.zst", data)
    assert inner.find("ab/one.zst") == data
    get = inner.get
    monkeypatch.setattr(inner, "get", lambda *place: get(*place) + b"y")
    if size:
        with pytest.raises(LogStoreUnavailable, match="other bytes than were written"):
            store.put("ab/one.zst", data)


def test_what_is_absent_or_too_short_is_unavailable(setting: str) -> None:
    store = open_log_store(setting)
    store.put("ab/one.zst", b"0123456789")
    with pytest.raises(LogStoreUnavailable, match="ends at byte 10"):
        store.get("ab/one.zst", 5, 6)
    with pytest.raises(LogStoreUnavailable, match="absent"):
        store.get("ab/absent.zst", 0, 1)


def test_other_bytes_than_were_written_are_noticed(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_log_store(setting)
    inner = store._store
    monkeypatch.setattr(inner, "get", lambda *_: b"other")
    with pytest.raises(LogStoreUnavailable, match="other bytes than were written"):
        store.put("ab/one.zst", b"mine")


def test_a_warm_store_is_not_asked_again_and_keeps_a_bounded_part(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_stores, "_CACHE_BYTES", 25)
    store = open_log_store(setting)
    for name in ("one", "two", "three"):
        store.put(f"ab/{name}.zst", b"0123456789")
    store.get("ab/one.zst", 0, 10)
    store.get("ab/two.zst", 0, 10)
    asked: list[str] = []
    get = store._store.get
    monkeypatch.setattr(store._store, "get", lambda key, *more: (asked.append(key), get(key, *more))[1])
    store.get("ab/one.zst", 3, 4)
    assert asked == []
    store.get("ab/three.zst", 0, 10)
    store.get("ab/one.zst", 0, 10)
    assert asked == ["ab/three.zst"]
    store.get("ab/two.zst", 0, 10)
    assert asked == ["ab/three.zst", "ab/two.zst"]


def test_a_store_that_is_away_fails_in_seconds_and_then_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts nothing, answers nothing
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
        monkeypatch.setattr(log_stores, "_OPERATION_SECONDS_MAX", 0.2)
        store = open_log_store("s3://logs/x")
        for _ in range(2):
            with pytest.raises(LogStoreUnavailable, match="s3://logs/x/ab/one") as caught:
                store.get("ab/one.zst", 0, 1)
            assert "very-secret" not in str(caught.value)
            monkeypatch.setattr(store._store, "get", lambda *_: pytest.fail("asked again"))
        with pytest.raises(LogStoreUnavailable):
            store.put("ab/one.zst", b"x")


@pytest.mark.parametrize("damage", ["no folder", "read-only", "full"])
def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    folder = tmp_path / "logs"
    if damage == "no folder":
        folder.write_text("a file")
    else:
        number = 30 if damage == "read-only" else 28
        error = OSError(number, os.strerror(number))

        def refused(*_: object, **__: object) -> int:
            raise error

        folder.mkdir()
        (folder / "ab").mkdir()
        monkeypatch.setattr(log_stores.os, "open" if damage == "read-only" else "fsync", refused)
    with pytest.raises(LogStoreUnavailable, match=r"Read-only file system|No space left|Not a directory|File exists"):
        open_log_store(str(folder)).put("ab/one.zst", b"x")
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "logs"]


@pytest.mark.parametrize("setting", ["logs", "ftp://logs", "s3://", ""])
def test_a_setting_that_names_no_store_is_refused(setting: str) -> None:
    with pytest.raises(InvalidLogStore, match="log_store"):
        open_log_store(setting)
