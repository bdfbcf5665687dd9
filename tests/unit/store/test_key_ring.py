"""The keys of secrets."""

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from mainspring_store.database.key_ring import CannotOpen, InvalidKeys, KeyRing


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secret-keys"


def test_the_first_use_makes_a_private_file_that_other_services_share(file: Path) -> None:
    ciphertext = KeyRing(file).encrypt("db", "hunter2hunter2")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"hunter2" not in ciphertext
    assert KeyRing(file).decrypt("db", ciphertext) == "hunter2hunter2"


def test_decrypting_makes_no_key(file: Path, tmp_path: Path) -> None:
    ciphertext = KeyRing(tmp_path / "other").encrypt("db", "x")
    with pytest.raises(CannotOpen, match="'db' cannot be opened"):
        KeyRing(file).decrypt("db", ciphertext)
    assert not file.exists()


def test_given_keys_are_used_instead_of_the_file(file: Path) -> None:
    key = Fernet.generate_key().decode()
    ciphertext = KeyRing(file, [key]).encrypt("db", "x")
    assert not file.exists()
    assert KeyRing(file, [Fernet.generate_key().decode(), key]).decrypt("db", ciphertext) == "x"


def test_a_ciphertext_opens_under_its_own_name_only(file: Path) -> None:
    notify = KeyRing(file)
    with pytest.raises(CannotOpen, match="another secret"):
        notify.decrypt("mine", notify.encrypt("yours", "x"))


def test_a_changed_ciphertext_opens_nothing(file: Path) -> None:
    notify = KeyRing(file)
    ciphertext = bytearray(notify.encrypt("db", "x"))
    ciphertext[20] ^= 1
    with pytest.raises(CannotOpen):
        notify.decrypt("db", bytes(ciphertext))


def test_a_service_that_was_running_before_a_rotation_opens_what_was_written_after_it(file: Path) -> None:
    running = KeyRing(file)
    old = running.encrypt("db", "x")
    with KeyRing(file).rotating():
        pass
    assert running.decrypt("db", KeyRing(file).encrypt("db", "y")) == "y"
    assert running.decrypt("db", old) == "x", "the key before the newest one stays for what was written meanwhile"


def test_a_key_is_dropped_by_the_second_rotation(file: Path) -> None:
    notify = KeyRing(file)
    old = notify.encrypt("db", "x")
    for _ in range(2):
        with notify.rotating():
            pass
    assert len(file.read_text().split()) == 2
    with pytest.raises(CannotOpen):
        notify.decrypt("db", old)


def test_a_rotation_that_failed_drops_no_key(file: Path) -> None:
    notify = KeyRing(file)
    ciphertexts = []
    for _ in range(3):
        ciphertexts.append(notify.encrypt("db", "x"))
        with pytest.raises(RuntimeError), notify.rotating():
            raise RuntimeError("the database went away")
    assert [notify.decrypt("db", one) for one in ciphertexts] == ["x"] * 3


def test_what_is_no_key_is_refused_without_being_told(file: Path) -> None:
    with pytest.raises(InvalidKeys) as caught:
        KeyRing(file, ["not-a-key"]).encrypt("db", "x")
    assert "not-a-key" not in str(caught.value)
