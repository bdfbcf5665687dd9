"""Masking, cap and chunks of one attempt's log."""

from hypothesis import given
from hypothesis import strategies as st

from mainspring.attempts import Limits
from mainspring_executors.attempt_log import AttemptLog
from mainspring_executors.protocol.wire import LOG_CHUNK_BYTES_MAX, decode_log_chunk

ID = "0123456789abcdef" * 2


def written(pieces: list[bytes], *, cap: int, flush: bool = False, secrets: dict[str, str] | None = None) -> bytes:
    """The log that arrives, its chunks checked."""
    chunks: list[bytes] = []
    log = AttemptLog(ID, limits=Limits(log_bytes_max=cap), secrets=secrets or {}, emit=chunks.append)
    for piece in pieces:
        log.write(piece)
        if flush:
            log.flush()
    length = log.close()
    data = b""
    for chunk in map(decode_log_chunk, chunks):
        assert chunk.attempt_id == ID
        assert chunk.offset == len(data)
        assert 0 < len(chunk.data) <= LOG_CHUNK_BYTES_MAX
        data += chunk.data
    assert length == len(data)
    return data


@given(st.lists(st.binary(max_size=200), max_size=10), st.booleans())
def test_a_log_within_its_limit_arrives_as_it_was_written(pieces: list[bytes], flush: bool) -> None:
    assert written(pieces, cap=10_000, flush=flush) == b"".join(pieces)


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=10), st.integers(0, 300), st.booleans())
def test_a_log_over_its_limit_keeps_its_beginning_and_its_end_and_says_how_much_is_missing(
    pieces: list[bytes], cap: int, flush: bool
) -> None:
    whole = b"".join(pieces)
    data = written(pieces, cap=cap, flush=flush)
    if len(whole) <= cap:
        assert data == whole
        return
    head = cap - cap // 4
    assert data[:head] == whole[:head]
    note, _, end = data[head + 1 :].partition(b"]\n")
    assert whole.endswith(end)
    assert cap // 8 - 1 <= len(end) <= cap // 4
    assert note.decode() == (
        f"[mainspring: the log is over its limit of {cap} bytes; {len(whole) - head - len(end)} bytes are left out here"
    )


def test_the_end_begins_with_a_line_and_has_the_error() -> None:
    lines = [b"line %06d\n" % number for number in range(200_000)]
    data = written([*lines, b"ValueError: at the very end\n"], cap=1_000_000)
    _, _, end = data.partition(b"left out here]\n")
    assert end.startswith(b"line ")
    assert end.endswith(b"ValueError: at the very end\n")
    assert 60_000 < len(end) <= 65_536
    assert len(data) < 1_000_200


def test_a_secret_in_the_end_of_a_log_over_its_limit_is_masked() -> None:
    data = written([b"x" * 1_000, b"topsec", b"ret", b"y" * 5], cap=100, secrets={"a": "topsecret"})
    assert data.endswith(b"***yyyyy")
    assert b"secret" not in data


def test_long_writes_become_full_chunks() -> None:
    data = bytes(range(256)) * 1_000
    assert written([data], cap=10_000_000) == data


def test_the_limit_counts_what_is_kept_after_masking() -> None:
    data = written([b"topsecret" * 3], cap=9, secrets={"a": "topsecret"})
    assert data == b"***" * 3


def test_a_secret_at_the_end_of_the_log_is_masked() -> None:
    assert written([b"the end is topsec", b"ret"], cap=1_000, secrets={"a": "topsecret"}) == b"the end is ***"
