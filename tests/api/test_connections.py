"""Connections over HTTP: what is secret goes in and never comes out."""

from typing import Any

import pytest
from sqlalchemy import select

from mainspring_store.access.roles import Role
from mainspring_store.resources.secrets import rotate_keys
from mainspring_store.tables import connection
from tests.api.harness import Api

WAREHOUSE = {
    "connection_id": "warehouse",
    "conn_type": "postgres",
    "host": "db.test",
    "login": "etl",
    "schema": "sales",
    "port": 5432,
    "password": "canary-1",
    "extra": '{"sslkey": "canary-2"}',
}
SHOWN = {**WAREHOUSE, "description": None, "password": "***", "extra": "***", "team_name": None}


def opened(api: Api, connection_id: str = "warehouse") -> str | None:
    """What the store keeps secret of a connection, as JSON."""
    with api.database.read() as reading:
        row = reading.execute(select(connection.c.ciphertext).where(connection.c.connection_id == connection_id)).one()
    if row.ciphertext is None:
        return None
    assert b"canary" not in row.ciphertext
    value: str = api.app.extensions["mainspring"].key_ring.decrypt(f"connection:{connection_id}", row.ciphertext)
    return value


def test_a_connection_is_created_changed_listed_and_deleted(api: Api) -> None:
    assert api.post("/connections", WAREHOUSE, 201) == SHOWN
    assert api.get("/connections/warehouse") == SHOWN
    changed = api.patch("/connections/warehouse", {"host": "other.test", "port": None})
    assert changed == {**SHOWN, "host": "other.test", "port": None}
    masked = api.patch("/connections/warehouse?update_mask=login", {"host": "third.test", "login": "new"})
    assert (masked["host"], masked["login"]) == ("other.test", "new")
    api.post("/connections", {"connection_id": "files", "conn_type": "s3"}, 201)
    listed = api.get("/connections?order_by=-connection_id")
    assert ([one["connection_id"] for one in listed["connections"]], listed["total_entries"]) == (
        ["warehouse", "files"],
        2,
    )
    assert api.get("/connections?connection_id_pattern=WARE")["total_entries"] == 1
    api.delete("/connections/warehouse")
    api.get("/connections/warehouse", 404)
    api.delete("/connections/warehouse", 404)
    api.patch("/connections/warehouse", {"host": "x"}, 404)


def test_what_is_secret_is_encrypted_and_each_part_is_changed_alone(api: Api) -> None:
    api.post("/connections", WAREHOUSE, 201)
    assert opened(api) == '{"password":"canary-1","extra":"{\\"sslkey\\": \\"canary-2\\"}"}'
    api.patch("/connections/warehouse", {"password": "canary-3", "extra": "***"})
    assert opened(api) == '{"password":"canary-3","extra":"{\\"sslkey\\": \\"canary-2\\"}"}'
    assert api.patch("/connections/warehouse", {"extra": None})["extra"] is None
    assert opened(api) == '{"password":"canary-3"}'
    assert api.patch("/connections/warehouse", {"password": None})["password"] is None
    assert opened(api) is None


def test_a_rotation_of_the_keys_takes_connections_along(api: Api) -> None:
    api.post("/connections", WAREHOUSE, 201)
    notify = api.app.extensions["mainspring"].key_ring
    assert rotate_keys(api.database, notify) == 1
    assert rotate_keys(api.database, notify) == 1
    assert opened(api) is not None


def test_a_connection_under_a_lost_key_is_replaced_as_a_whole_or_not_at_all(sqlite_api: Api) -> None:
    sqlite_api.post("/connections", WAREHOUSE, 201)
    home = sqlite_api.app.extensions["mainspring"].settings.home
    (home / "secret-keys").write_text("A" * 43 + "=")
    refused = sqlite_api.patch("/connections/warehouse", {"password": "new"}, 409)
    assert refused["code"] == "cannot_open"
    assert sqlite_api.patch("/connections/warehouse", {"host": "h"})["host"] == "h"
    sqlite_api.patch("/connections/warehouse", {"password": "new", "extra": None})
    assert opened(sqlite_api) == '{"password":"new"}'


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"connection_id": "a b"}, "/connection_id"),
        ({"conn_type": ""}, "/conn_type"),
        ({"port": "5432"}, "/port"),
        ({"port": 65_536}, "/port"),
        ({"password": "***"}, "/password"),
        ({"extra": "no JSON"}, "/extra"),
        ({"extra": "[1]"}, "/extra"),
        ({"team_name": "x"}, "/team_name"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_wrong_connection_is_refused(sqlite_api: Api, change: dict[str, Any], pointer: str) -> None:
    refused = sqlite_api.post("/connections", {**WAREHOUSE, **change}, 422)
    assert [error["pointer"] for error in refused["errors"]] == [pointer]


def test_a_connection_is_neither_created_twice_nor_renamed_nor_shown_to_viewers(api: Api) -> None:
    api.post("/connections", WAREHOUSE, 201)
    api.post("/connections", WAREHOUSE, 409)
    api.patch("/connections/warehouse", {"connection_id": "other"}, 400)
    api.get("/connections", 403, token=api.token_of(Role.VIEWER))


def test_an_overwritten_connection_keeps_what_is_not_given(api: Api) -> None:
    api.post("/connections", {**WAREHOUSE, "description": "kept"}, 201)
    given = {"connection_id": "warehouse", "conn_type": "http", "password": "canary-4", "port": None}
    action = {"action": "create", "action_on_existence": "overwrite", "entities": [given]}
    assert api.patch("/connections", {"actions": [action]})["create"] == {"success": ["warehouse"], "errors": []}
    found = api.get("/connections/warehouse")
    assert found == {**SHOWN, "description": "kept", "conn_type": "http", "port": None}
    assert opened(api) == '{"password":"canary-4","extra":"{\\"sslkey\\": \\"canary-2\\"}"}'
    api.patch("/connections", {"actions": [{**action, "entities": [{**given, "extra": None, "password": None}]}]})
    assert opened(api) is None


def test_connections_are_written_in_bulk(api: Api) -> None:
    api.post("/connections", WAREHOUSE, 201)
    overwrite = {
        "action": "create",
        "action_on_existence": "overwrite",
        "entities": [{**WAREHOUSE, "host": "bulk.test", "password": None}, {**WAREHOUSE, "connection_id": "second"}],
    }
    update = {"action": "update", "entities": [{"connection_id": "second", "login": "else"}]}
    remove = {"action": "delete", "entities": ["second", "third"], "action_on_non_existence": "skip"}
    done = api.patch("/connections", {"actions": [overwrite, update, remove]})
    assert done["create"]["success"] == ["warehouse", "second"]
    assert (done["update"]["success"], done["delete"]["success"]) == (["second"], ["second"])
    assert api.get("/connections/warehouse") == {**SHOWN, "host": "bulk.test", "password": None}
