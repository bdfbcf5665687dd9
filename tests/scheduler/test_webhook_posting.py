"""One attempt to send: errors, redirects, guarded addresses and kept connections."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from mainspring_executors.addresses import AddressPolicy, HostList
from mainspring_scheduler.deliveries.posting import Poster, PostFailed, Reply
from mainspring_store.scheduling.deliveries import due_receivers
from mainspring_store.tables import delivery
from tests.scheduler.sending import Sending
from tests.services.receiver import receiving


def redirecting(status: int, location: str) -> Callable[[str, bytes], tuple[int, dict[str, str], bytes]]:
    return lambda path, body: (status, {"Location": location}, b"") if path != "/end" else (200, {}, b"arrived")


@pytest.mark.parametrize("cause", [OSError("no process: canary"), RecursionError(), PostFailed("line\0 of an answer")])
def test_any_error_of_an_attempt_is_a_failure_with_a_pause(
    sending: Sending, cause: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    sending.webhook(types=("run.success",))
    sending.run()
    sending.make()
    (due,) = due_receivers(sending.database, now=sending.engine.clock.now(), limit=9)

    def post(url: str, headers: dict[str, str], body: bytes) -> Reply:
        raise cause

    assert sending.sender.send(due.id, lambda kind: post, lambda: False) == 1
    with sending.database.read() as connection:
        row = connection.execute(select(delivery.c.state, delivery.c.attempts, delivery.c.error)).one()
    assert (row.state, row.attempts) == ("pending", 1)
    assert "canary" not in row.error + caplog.text
    assert "\0" not in row.error
    assert sending.row()["failures"] == 1
    sending.engine.clock.move(timedelta(seconds=1))
    assert sending.send() == 1
    assert sending.states() == ["delivered"]


def test_redirects_are_followed_with_the_body_and_guarded(sending: Sending) -> None:
    secret = sending.webhook(types=("run.success",))
    sending.server.answer = redirecting(307, "/end")
    sending.run("r1")
    sending.deliver()
    assert [received.path for received in sending.server.ledger] == ["/w", "/end"]
    assert sending.server.ledger[1].verified(secret)["type"] == "run.success"
    for location, part in (
        ("http://169.254.169.254/", "not public"),
        ("http://[::1]:1/", "not public"),
        ("http://user:pw@127.0.0.1/", "user name or a password"),
        ("file:///etc/passwd", "no http or https URL"),
        ("/w", "more than 3 times"),
    ):
        sending.server.answer = redirecting(308, location)
        sending.run(f"r {location}")
        sending.engine.clock.move(timedelta(hours=2))
        sending.deliver()
        with sending.database.write() as connection:
            error = connection.scalar(select(delivery.c.error).order_by(delivery.c.id.desc()).limit(1))
            connection.execute(delete(delivery))
        assert error is not None
        assert part in error, error
    sending.server.answer = redirecting(302, "/end")
    sending.run("r9")
    sending.engine.clock.move(timedelta(hours=2))
    sending.deliver()
    assert sending.states() == ["pending"]


def test_a_callback_is_led_to_no_host_that_is_not_allowed() -> None:
    with receiving() as server, closing(Poster(AddressPolicy(("127.0.0.1",)))) as poster:
        poster.restrict(HostList((server.url.removeprefix("http://"),)))
        for location in ("http://127.0.0.1:1/", "http://169.254.169.254/", "http://localhost/"):
            server.answer = redirecting(307, location)
            with pytest.raises(PostFailed, match="is not in callback_allow"):
                poster.post(f"{server.url}/done", {}, b"{}")
        server.answer = redirecting(307, "/end")
        assert poster.post(f"{server.url}/done", {}, b"{}").status == 200


def test_a_private_address_is_refused_at_each_attempt(sending: Sending) -> None:
    sending.webhook(types=("run.success",), url="http://localhost:1/")
    poster = Poster(AddressPolicy((), resolve=lambda host, port: ["10.0.0.1"]))
    sending.run()
    sending.make()
    (due,) = due_receivers(sending.database, now=sending.engine.clock.now(), limit=9)
    sending.sender.send(due.id, lambda kind: poster.post, lambda: False)
    with sending.database.read() as connection:
        assert "not public" in (connection.scalar(select(delivery.c.error)) or "")


def test_a_closed_connection_is_opened_again_at_once(sending: Sending) -> None:
    sending.webhook()
    sending.server.answer = lambda path, body: (200, {"Connection": "close"}, b"")
    sending.run()
    assert len(sending.deliver()) == 3
    assert sending.send() == 0
