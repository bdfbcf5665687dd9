import stat
from pathlib import Path

import pytest

from mainspring_cli.config import ConfigError
from mainspring_cli.home import admin_token, lock_home, token_path


def test_the_token_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    token, is_new = admin_token(tmp_path)
    assert is_new
    assert admin_token(tmp_path) == (token, False)
    assert stat.S_IMODE(token_path(tmp_path).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["admin-token"]


def test_two_homes_have_different_tokens_of_256_bits(tmp_path: Path) -> None:
    tokens = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        tokens.add(admin_token(tmp_path / name)[0])
    assert len(tokens) == 2
    assert all(len(token) >= len("ms_") + 43 for token in tokens)


def test_a_home_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with lock_home(tmp_path), pytest.raises(ConfigError, match="in use by another `mainspring up`"):
        lock_home(tmp_path)
    lock_home(tmp_path).close()
