"""Answers that follow the event feed: streams of server-sent events, and long polls."""

from collections.abc import Callable, Iterator
from time import monotonic

from mainspring.errors import StoreUnavailable
from mainspring_api.http.event_feed import EventFeed
from mainspring_api.http.event_formats import EventFilter, as_json, as_stream, reset_event
from mainspring_api.http.held_answers import Channel, Loop
from mainspring_api.http.places import Places
from mainspring_store.access.roles import Principal

__all__ = ["EventStream", "EventWait", "Subscription"]

COMMENT_SECONDS = 15.0
STREAM_SECONDS_MAX = 600.0
UNSENT_BYTES_MAX = 256 * 1024
"""A reader that has more to take is dropped."""
CAUGHT_UP_PAGES_MAX = 20
"""A stream ends after these pages of old events, and the client continues with the next stream."""
_COMMENT = b":\n\n"


class Subscription:
    """A place in the feed: what a client sees of it, who the client is, and where the client stands."""

    is_stream = False

    def __init__(
        self,
        feed: EventFeed,
        places: Places,
        event_filter: EventFilter,
        *,
        position: int,
        credential: str,
        authenticate: Callable[[], Principal],
    ) -> None:
        """Takes a place, which `cancel` gives back.

        Raises:
            TooManyWaits: No place is free.
        """
        self.feed = feed
        self.filter = event_filter
        self.position = position
        self.credential = credential
        self.authenticate = authenticate
        self.queued = 0
        self._places = places
        self._principal_id = event_filter.principal.id
        self._channel: Channel | None = None
        self._is_over = False
        places.take(self._principal_id)
        feed.attend()

    @property
    def channel(self) -> Channel:
        assert self._channel is not None
        return self._channel

    @property
    def loop(self) -> Loop:
        return self.channel.loop

    def deliver(self, text: bytes, position: int) -> None:
        raise NotImplementedError

    def dismiss(self) -> None:
        if not self._is_over:
            self._finish()

    def cancel(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        self.feed.leave(self)
        self.feed.end_attention()
        self._places.give_back(self._principal_id)

    def _finish(self) -> None:
        self.channel.end()


class EventStream(Subscription):
    """Events as they come, until the client leaves, is too slow, or ten minutes are over."""

    is_stream = True

    def old_events(self) -> Iterator[bytes]:
        """In the thread of the request: what the feed does not keep in memory."""
        for _ in range(CAUGHT_UP_PAGES_MAX):
            if self.position >= self.feed.recent_from:
                return
            try:
                events, self.position = self.feed.page(self.position)
            except StoreUnavailable:
                return  # too far behind to join, so the stream ends
            text = as_stream(event for event in events if self.filter.admits(event))
            if text:
                yield text

    def begin(self, channel: Channel) -> None:
        self._channel = channel
        self._ends_at = monotonic() + STREAM_SECONDS_MAX
        missed = self.feed.join(self)
        if missed is None:
            channel.end()
            return
        channel.send(as_stream(missed) or _COMMENT)
        self._wake_later()

    def deliver(self, text: bytes, position: int) -> None:
        self.queued -= 1
        if self._is_over:
            return
        self.position = position
        if self.channel.unsent_bytes > UNSENT_BYTES_MAX:
            self.channel.send(as_stream([reset_event(position, "too_slow")]))
            self.channel.end()
            return
        self.channel.send(text)

    def on_time(self) -> None:
        if monotonic() >= self._ends_at or self.channel.unsent_bytes > UNSENT_BYTES_MAX:
            self.channel.end()
            return
        self.channel.send(_COMMENT)
        self._wake_later()

    def _wake_later(self) -> None:
        self.channel.wake_at(min(monotonic() + COMMENT_SECONDS, self._ends_at))


class EventWait(Subscription):
    """One answer, with the first events that come, or none in the end."""

    def __init__(
        self,
        feed: EventFeed,
        places: Places,
        event_filter: EventFilter,
        *,
        position: int,
        credential: str,
        authenticate: Callable[[], Principal],
        seconds: float,
    ) -> None:
        super().__init__(
            feed, places, event_filter, position=position, credential=credential, authenticate=authenticate
        )
        self._ends_at = monotonic() + seconds

    def begin(self, channel: Channel) -> None:
        self._channel = channel
        missed = self.feed.join(self)
        if missed:
            self._answer(as_json(missed, missed[-1].id))
        elif missed is None:
            self._answer(as_json([], self.position))
        else:
            channel.wake_at(self._ends_at)

    def deliver(self, text: bytes, position: int) -> None:
        self.queued -= 1
        if not self._is_over:
            self._answer(text)

    def on_time(self) -> None:
        if self.feed.leave(self):
            self._answer(as_json([], max(self.position, self.feed.position())))

    def _finish(self) -> None:
        self._answer(as_json([], self.position))

    def _answer(self, text: bytes) -> None:
        self.channel.send(text)
        self.channel.end()
