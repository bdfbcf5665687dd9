"""Masking of secrets in streams and texts."""

import base64
import json
import re
from time import process_time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring_executors.masking import MASK, Masker
from tests.services.reference_work import is_within

# Few letters, so that secrets overlap each other and themselves.
SECRETS = st.lists(st.text("ab\n", min_size=6, max_size=9), min_size=1, max_size=3)
TEXTS = st.lists(st.binary(max_size=30) | st.text("ab\n", max_size=30).map(str.encode), max_size=8)


def masked(masker: Masker, pieces: list[bytes]) -> bytes:
    return b"".join([*(masker.feed(piece) for piece in pieces), masker.flush()])


@given(SECRETS, TEXTS)
def test_pieces_are_masked_like_the_whole(secrets: list[str], pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    expected = masked(Masker(secrets), [whole])
    assert masked(Masker(secrets), pieces) == expected
    assert masked(Masker(secrets), [whole[index : index + 1] for index in range(len(whole))]) == expected


@given(SECRETS, TEXTS)
def test_no_secret_is_left(secrets: list[str], pieces: list[bytes]) -> None:
    shown = masked(Masker(secrets), pieces)
    for secret in secrets:
        for part in shown.split(MASK):
            assert secret.encode() not in part


@given(SECRETS, st.lists(st.text("#@! ", max_size=30).map(str.encode)))
def test_what_is_no_secret_is_shown_as_it_is(secrets: list[str], pieces: list[bytes]) -> None:
    masker = Masker(secrets)
    assert [masker.feed(piece) for piece in pieces] == pieces
    assert masker.flush() == b""


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40))
def test_every_spelling_is_masked(secret: str) -> None:
    masker = Masker([secret])
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    for spelling in {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], encoded}:
        assert spelling not in masker.mask(f"<{spelling}>").replace("***", "") or spelling in "***"


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
@pytest.mark.parametrize("after", ["", ":", ":rest"])
def test_base64_of_a_longer_text_is_masked(before: str, after: str) -> None:
    secret = "correct-horse-battery"
    encoded = base64.b64encode(f"{before}{secret}{after}".encode()).decode()
    shown = Masker([secret]).mask(f"Authorization: Basic {encoded}")
    rest = re.sub(r"^Authorization: Basic ", "", shown).replace("***", "")
    # What is left are a few characters at the borders, which also depend on the neighbours.
    assert "***" in shown
    assert len(rest) <= len(base64.b64encode(f"{before}{after}".encode())) + 4


def test_each_line_of_a_long_secret_is_masked() -> None:
    key = "-----BEGIN KEY-----\nMIIEvgIBADANBg\n-----END KEY-----"
    assert Masker([key]).mask("read MIIEvgIBADANBg from the file") == "read *** from the file"


def test_a_short_secret_is_not_looked_for() -> None:
    assert Masker(["abc", ""]).mask("abc abc") == "abc abc"


def test_of_two_secrets_that_begin_alike_the_longer_is_masked_whole() -> None:
    masker = Masker(["secret", "secret-and-more"])
    assert masked(masker, [b"secret", b"-and", b"-more; secret-and"]) == b"***; ***-and"


def test_only_what_may_be_a_secret_is_held_back() -> None:
    masker = Masker(["topsecret"])
    assert masker.feed(b"hello tops") == b"hello "
    assert masker.feed(b"hello") == b"topshello"
    assert masker.feed(b"no harm\n") == b"no harm\n"


def test_a_long_secret_in_a_long_log_costs_little_time() -> None:
    masker = Masker(["k" * 4_000 + "x"])
    began = process_time()
    for _ in range(100):
        masker.feed(b"no secret in here at all " * 2_500)
    assert is_within(process_time() - began, 2.0)
