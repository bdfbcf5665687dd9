"""Messages to people: sent by a process without credentials, within the address rules, and masked in errors."""

import logging
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mainspring.attempts import Outcome
from mainspring.notifier_urls import NOTIFIER_SCHEMES, notifier_url_fault, shown_notifier_url
from mainspring_scheduler.deliveries import notice_process
from mainspring_scheduler.deliveries.notices import Notices, notice_environment
from mainspring_scheduler.deliveries.posting import PostFailed
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.resources.receivers import NewReceiver, create_receiver, send_test
from mainspring_store.scheduling.deliveries import due_receivers
from mainspring_store.state.receivers import Address, ReceiverKind
from mainspring_store.tables import delivery
from tests.scheduler.engine import Engine
from tests.scheduler.sending import Sending
from tests.services.receiver import Receiver, receiving

BODY = b'{"title": "etl failed", "text": "Run r1"}'


def url_of(server: Receiver, path: str = "/canary-token") -> str:
    return server.url.replace("http://", "json://") + path


def notifier(sending: Sending, name: str = "chat", pattern: str = "*", url: str | None = None) -> None:
    new = NewReceiver(
        kind=ReceiverKind.NOTIFIER,
        name=name,
        principal_id=None,
        address=Address(url=url or url_of(sending.server)),
        shown_url="json://***",
        pattern=pattern,
    )
    create_receiver(sending.database, sending.key_ring, new, now=sending.engine.clock.now())


def sent(sending: Sending) -> list[Any]:
    sending.make()
    notices = Notices(("127.0.0.1",))
    for due in due_receivers(sending.database, now=sending.engine.clock.now(), limit=9):
        sending.sender.send(due.id, lambda kind: notices.post, lambda: False)
    return [received.json for received in sending.server.ledger]


def test_a_definition_notifies_people_of_dags_that_the_notifier_is_for(engine: Engine, tmp_path: Path) -> None:
    with receiving() as server:
        sending = Sending(engine, tmp_path, server, public_url="https://page.example.test")
        notifier(sending, pattern="team_a.*")
        rules = [{"on": ["failed"], "notifier": "chat"}]
        sending.run("r1", Outcome.FAILED, dag_id="team_a.etl", notify=rules)
        sending.run("r2", Outcome.SUCCESS, dag_id="team_a.etl", notify=rules)
        sending.run("r3", Outcome.FAILED, dag_id="team_b.etl", notify=rules)
        (message,) = sent(sending)
    assert message["title"] == "team_a.etl failed"
    assert "Run r1 of DAG team_a.etl." in message["message"]
    assert "https://page.example.test/dags/team_a.etl/runs/r1" in message["message"]
    assert sending.states("chat") == ["delivered"]


def test_a_message_that_is_not_taken_is_tried_again(engine: Engine, tmp_path: Path) -> None:
    with receiving() as server:
        sending = Sending(engine, tmp_path, server)
        server.answer = lambda path, body: (500, {}, b"")
        notifier(sending)
        now = engine.clock.now()
        send_test(sending.database, ReceiverKind.NOTIFIER, "chat", type_="webhook.test", body=BODY.decode(), now=now)
        sent(sending)
        with sending.database.read() as connection:
            row = connection.execute(select(delivery)).one()
    assert (row.state, row.attempts, row.status) == ("failed", 1, None)
    assert "canary" not in row.error


def test_an_address_that_is_not_public_is_refused_and_named_without_its_token() -> None:
    with receiving() as server:
        with pytest.raises(PostFailed, match="not public") as refused:
            Notices(()).post(url_of(server), {}, BODY)
        assert "canary" not in str(refused.value)
        assert server.ledger == []
        assert Notices(("127.0.0.1",)).post(url_of(server), {}, BODY).status is None
        assert [received.path for received in server.ledger] == ["/canary-token"]


def test_the_process_imports_nothing_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "apprise.py").write_text("open('imported', 'w')\n")
    monkeypatch.chdir(tmp_path)
    with receiving() as server:
        Notices(("127.0.0.1",)).post(url_of(server), {}, BODY)
    assert not (tmp_path / "imported").exists()


def test_what_the_library_prints_is_no_part_of_the_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "apprise.py").write_text("print('progress')\nraise ImportError\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(PostFailed, match="not installed"):
        Notices(()).post("json://example.test", {}, BODY)


def test_the_process_gets_no_setting_and_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSPRING_DATABASE_URL", "postgresql://canary")
    monkeypatch.setenv("PGPASSFILE", "canary")
    assert not any("canary" in value or name.startswith("MAINSPRING") for name, value in notice_environment().items())
    assert notice_environment()["HOME"] != os.environ.get("HOME")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "exec://sh",
        "dbus://",
        "https://example.test/apprise.yml",
        "json://",
        "json://host/?template=/etc/passwd",
        "mailto://user:pass@example.test?attach=/etc/passwd",
        "mailto://user:pass@example.test?pgpkey=/etc/passwd",
        "slack://a b",
        "slack://a/b/c/#channel?template=/etc/passwd",
        "json://a.example/x,rsyslog://127.0.0.1:9514",
        "json://a.example/x?to=y;verify=no",
        "json://a.example/x?to=y#&verify=no",
        "json://a.example\\x",
        "json://" + "x" * 3000,
    ],
)
def test_other_schemes_and_parameters_are_refused(url: str) -> None:
    fault = notifier_url_fault(url)
    assert fault is not None
    assert "pass@" not in fault
    with pytest.raises(PostFailed, match="the address of the notifier"):
        Notices(()).post(url, {}, BODY)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of apprise
@pytest.mark.parametrize("url", ["rsyslog://127.0.0.1:9514", "jsons://127.0.0.1/x?to=y;verify=no"])
def test_the_process_sends_nothing_when_the_library_reads_an_address_otherwise(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notice_process, "notifier_url_fault", lambda url: None)
    monkeypatch.setattr(notice_process, "_guard_addresses", lambda http_allow: [])
    error = notice_process.send_notice({"url": url, "title": "t", "text": "x", "http_allow": []})
    assert "read otherwise by apprise" in (error or "")


def test_allowed_addresses_show_their_scheme_alone() -> None:
    for scheme in NOTIFIER_SCHEMES:
        url = f"{scheme}://user:canary@example.test/canary?format=text&to=canary"
        assert notifier_url_fault(url) is None
        assert shown_notifier_url(url) == f"{scheme}://***"
    assert notifier_url_fault("jsons://example.test/?+X-Token=canary&:key=value") is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of apprise
def test_a_value_of_the_query_is_masked_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        schema, verify_certificate = "json", True

        def __init__(self, url: str) -> None:
            logging.getLogger("apprise").error("wrong: canary-a, canary b and topic for %s", url.split("?")[0])

        def __bool__(self) -> bool:
            return False

    import apprise

    monkeypatch.setattr(apprise.Apprise, "instantiate", lambda url, asset: Refusing(url))
    monkeypatch.setattr(notice_process, "_guard_addresses", lambda http_allow: [])
    url = "json://example.test/canary-c?+X-Token=canary-a&topic=canary%20b&format=text"
    error = notice_process.send_notice({"url": url, "title": "t", "text": "x", "http_allow": []})
    assert error == "wrong: ***, *** and topic for json://***/***"


def test_a_key_ring_that_is_elsewhere_sends_nothing(engine: Engine, tmp_path: Path) -> None:
    with receiving() as server:
        sending = Sending(engine, tmp_path, server)
        notifier(sending)
        now = engine.clock.now()
        send_test(sending.database, ReceiverKind.NOTIFIER, "chat", type_="webhook.test", body=BODY.decode(), now=now)
        sending.sender.key_ring = KeyRing(tmp_path / "other-keys")
        assert sent(sending) == []
