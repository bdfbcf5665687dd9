"""Times of day in a zone whose clocks change: which instants they are."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

__all__ = ["gap_end", "instants_of", "repeated_before"]


def instants_of(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The UTC instants at which a clock in the zone shows `wall` (naive): one; two instants, ascending, where the clock
    is put back; no instant where the clock is put forward."""
    offset_before, offset_after = _offsets(wall, zone)
    if offset_before == offset_after:
        return ((wall - offset_before).replace(tzinfo=UTC),)
    if offset_before < offset_after:
        return ()
    return (wall - offset_before).replace(tzinfo=UTC), (wall - offset_after).replace(tzinfo=UTC)


def gap_end(wall: datetime, zone: ZoneInfo) -> datetime:
    """The UTC end of the gap around `wall`."""
    offset_before, offset_after = _offsets(wall, zone)
    low, high = (wall - offset_after).replace(tzinfo=UTC), (wall - offset_before).replace(tzinfo=UTC)
    # The clocks change later than `low` and at the latest at `high`, at a whole second.
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (low, middle) if middle.astimezone(zone).utcoffset() == offset_after else (middle, high)
    return high


def repeated_before(local: datetime) -> timedelta:
    """How far a clock will be put back over what it shows at `local`, an aware instant; nothing when it will not."""
    now, again = local.utcoffset(), local.replace(fold=1).utcoffset()
    assert now is not None
    assert again is not None
    return max(now - again, timedelta(0))


def _offsets(wall: datetime, zone: ZoneInfo) -> tuple[timedelta, timedelta]:
    """As before and as after the change of the clocks nearest to `wall`, if it is within a gap or an overlap."""
    offset_before, offset_after = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    assert offset_before is not None
    assert offset_after is not None
    return offset_before, offset_after
