import os
import stat
from pathlib import Path

import pytest

from mainspring_cli.config import Config, ConfigError
from mainspring_cli.services.home import keep_admin_token, lock_home, prepare_home


def test_the_token_is_made_once_and_told_once(tmp_path: Path) -> None:
    config = Config(home=tmp_path)
    token = keep_admin_token(config)
    assert token is not None
    assert keep_admin_token(config) is None
    assert (tmp_path / "admin-token").read_text().strip() == token


def test_a_token_of_the_settings_takes_the_place_of_a_made_one(tmp_path: Path) -> None:
    keep_admin_token(Config(home=tmp_path))
    assert keep_admin_token(Config(home=tmp_path, admin_token="chosen")) is None
    assert (tmp_path / "admin-token").read_text().strip() == "chosen"
    assert stat.S_IMODE((tmp_path / "admin-token").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["admin-token"]


def test_a_home_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with lock_home(tmp_path), pytest.raises(ConfigError, match="in use by another `mainspring up`"):
        lock_home(tmp_path)
    lock_home(tmp_path).close()


def test_a_home_that_cannot_be_written_is_refused_with_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ConfigError, match=f"cannot write into {tmp_path}: user {os.geteuid()} may not; mount a volume"):
        prepare_home(tmp_path)
