"""TLS to PostgreSQL, with a certificate that is checked: `sslmode=verify-full`."""

import select
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import URL, make_url

from mainspring.errors import StoreUnavailable
from mainspring_store import open_database
from mainspring_store.database.notify import open_listener, open_notifier
from mainspring_store.schema.migrate import current_revision, head_revision, migrate
from tests.services.postgres import PostgresServer
from tests.services.tls import self_signed, tls_front


@pytest.fixture
def url(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[URL]:
    """Of an empty database behind TLS, as somebody writes it who trusts nothing else."""
    plain = postgres_server.create_database()
    folder = parse_qs(urlsplit(plain).query)["host"][0]
    certificate = self_signed(tmp_path)
    with tls_front(f"{folder}/.s.PGSQL.5432", certificate) as port:
        checked = {"sslmode": "verify-full", "sslrootcert": str(certificate[0]), "hostaddr": "127.0.0.1"}
        yield make_url(plain).set(host="localhost", port=port, query=checked)
    postgres_server.drop_database(plain)


def test_a_server_with_the_right_certificate_is_used_for_rows_and_for_the_doorbell(url: URL) -> None:
    database = open_database(url.render_as_string(hide_password=False))
    migrate(database)
    assert current_revision(database) == head_revision()
    bell, notifier = open_listener(database), open_notifier(database)
    notifier.notify()
    assert select.select([bell], [], [], 5.0)[0]
    assert bell.clear()
    notifier.close()
    bell.close()
    database.close()


def test_a_server_of_another_name_is_told_nothing(url: URL) -> None:
    refuses(url.set(host="db.example.test"), 'does not match host name "db.example.test"')


def test_a_server_whose_certificate_another_authority_signed_is_told_nothing(url: URL, tmp_path: Path) -> None:
    folder = tmp_path / "another"
    folder.mkdir()
    certificate, _ = self_signed(folder)
    refuses(url.update_query_dict({"sslrootcert": str(certificate)}), "certificate verify failed")


def refuses(url: URL, reason: str) -> None:
    database = open_database(url.render_as_string(hide_password=False))
    with pytest.raises(StoreUnavailable, match=reason), database.read():
        pass
    database.close()
