"""Frames on a byte stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring_executors.protocol.frames import FRAME_BYTES_MAX, FrameError, FrameReader, frame


@given(st.lists(st.binary(max_size=50)), st.integers(1, 20))
def test_frames_come_out_whatever_pieces_they_arrive_in(payloads: list[bytes], size: int) -> None:
    stream = b"".join(map(frame, payloads))
    reader = FrameReader()
    found = [payload for start in range(0, len(stream), size) for payload in reader.feed(stream[start : start + size])]
    assert found == payloads
    assert reader.is_between_frames


def test_half_a_frame_is_no_place_to_end() -> None:
    reader = FrameReader()
    assert list(reader.feed(frame(b"whole") + frame(b"half")[:-1])) == [b"whole"]
    assert not reader.is_between_frames


def test_an_announced_length_over_the_limit_is_refused_before_its_payload() -> None:
    with pytest.raises(FrameError, match=r"announces 4294967295 bytes; the limit is 16777216 bytes"):
        FrameReader().feed(b"\xff\xff\xff\xff")


def test_a_payload_over_the_limit_is_not_framed() -> None:
    with pytest.raises(FrameError, match="over the limit"):
        frame(bytes(FRAME_BYTES_MAX + 1))
