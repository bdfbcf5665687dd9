"""Users, logins and tokens (S5, S6)."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from mainspring_api.http.authentication import TRUST_SECONDS, Authenticator, InvalidToken, ensure_admin_token
from mainspring_api.http.login_tokens import LoginTokens
from mainspring_api.http.passwords import hash_password
from mainspring_store.access.roles import Role
from mainspring_store.access.tokens import keep_admin_token
from mainspring_store.access.users import create_user
from mainspring_store.queries.audit import list_events
from mainspring_store.queries.listing import ListQuery
from mainspring_store.tables import api_token, user_account
from tests.api.conftest import OpenApi
from tests.api.harness import Answer, Api

PASSWORD = "kanarienvogel-4711"
WRONG = "nachtigall-0815"
HASHED = hash_password(PASSWORD)

LOGIN_TOKENS = LoginTokens(b"k" * 64)


def user(api: Api, name: str = "anna", role: Role | None = Role.OPERATOR) -> None:
    create_user(api.database, name, password_hash=HASHED, role=role, now=datetime.now(UTC))


def login(api: Api, name: str = "anna", password: str = PASSWORD, path: str = "/auth/token") -> Answer:
    return api.request("POST", path, token=None, json={"username": name, "password": password})


def token_of(api: Api, name: str = "anna") -> str:
    answer = login(api, name)
    assert answer.status == 201, answer.body
    return str(answer.json["access_token"])


class TestLogin:
    @pytest.mark.parametrize("path", ["/auth/token", "/auth/token/cli"])
    def test_a_password_is_exchanged_for_a_token_with_the_users_role(self, api: Api, path: str) -> None:
        user(api)
        answer = login(api, path=path)
        assert (answer.status, set(answer.json), answer.json["device_token"]) == (
            201,
            {"access_token", "device_token"},
            None,
        )
        token = answer.json["access_token"]
        me = api.get("/me", token=token)
        assert (me["name"], me["rights"]) == ("anna", [{"role": "operator", "grants": []}])
        assert me["page"] == api.get("/uiConfig", token=token)
        assert api.request("GET", "/secrets", token=token).status == 403

    def test_a_form_is_read_too(self, sqlite_api: Api) -> None:
        user(sqlite_api)
        data = {"username": "anna", "password": PASSWORD}
        assert sqlite_api.request("POST", "/auth/token", token=None, data=data).status == 201
        assert sqlite_api.request("POST", "/auth/token/cli", token=None, data=data).status == 415

    @pytest.mark.parametrize(
        ("path", "life"), [("/auth/token", timedelta(hours=24)), ("/auth/token/cli", timedelta(hours=1))]
    )
    def test_the_token_of_a_login_runs_out(self, sqlite_api: Api, path: str, life: timedelta) -> None:
        user(sqlite_api)
        before = datetime.now(UTC)
        token = login(sqlite_api, path=path).json["access_token"]
        with sqlite_api.database.read() as connection:
            expires_at = connection.scalar(select(api_token.c.expires_at).where(api_token.c.kind == "login"))
        assert expires_at is not None
        assert before + life <= expires_at <= datetime.now(UTC) + life
        with sqlite_api.database.write() as connection:
            connection.execute(update(api_token).where(api_token.c.kind == "login").values(expires_at=before))
        assert sqlite_api.request("GET", "/me", token=token).json["detail"] == "Token Expired"

    def test_nobody_learns_whether_there_is_such_a_user(self, api: Api) -> None:
        user(api)
        wrong, absent = login(api, password=WRONG), login(api, name="nobody")
        assert (wrong.status, absent.status) == (401, 401)
        assert {**wrong.json, "request_id": ""} == {**absent.json, "request_id": ""}

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            pytest.param({"username": "", "password": "x"}, 400, id="empty name"),
            pytest.param({"username": "anna", "password": ""}, 400, id="empty password"),
            pytest.param({"username": "anna"}, 422, id="no password"),
            pytest.param({"username": 5, "password": "x"}, 422, id="number"),
            pytest.param({"username": "a\0b", "password": "x"}, 422, id="NUL"),
            pytest.param([], 422, id="list"),
        ],
    )
    def test_what_is_no_login(self, sqlite_api: Api, body: Any, status: int) -> None:
        assert sqlite_api.request("POST", "/auth/token", token=None, json=body).status == status

    def test_who_is_not_active_does_not_get_in(self, api: Api) -> None:
        user(api)
        token = token_of(api)
        api.patch("/users/anna", {"is_active": False})
        assert api.request("GET", "/me", token=token).status == 403
        assert login(api).status == 401
        api.patch("/users/anna", {"is_active": True})
        assert login(api).status == 201

    def test_failed_logins_are_noted_and_then_refused(self, sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        user(sqlite_api)
        # Hashing a dozen times takes a busy machine longer than the limit takes to let one more through.
        monkeypatch.setattr("mainspring_api.resources.people.login.is_password", lambda password, stored: False)
        answers = [login(sqlite_api, password=WRONG) for _ in range(12)]
        assert [each.status for each in answers] == [401] * 10 + [429] * 2
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert login(sqlite_api).status == 429
        assert login(sqlite_api, name="bert").status == 401
        events = list_events(sqlite_api.database, ListQuery(filters={"event": "create_token"}, limit=50)).rows
        assert [(each["outcome"], each["owner"]) for each in events] == [("refused", None)] * 11
        assert (events[0]["extra"]["reason"], events[0]["extra"]["username"]) == ("login", "anna")
        assert WRONG not in str(events)

    def test_logins_that_succeed_do_not_count(self, sqlite_api: Api) -> None:
        user(sqlite_api)
        assert {login(sqlite_api).status for _ in range(12)} == {201}

    def test_a_login_is_one_event_of_its_user(self, api: Api) -> None:
        user(api)
        login(api)
        [event] = list_events(api.database, ListQuery()).rows
        assert (event["event"], event["outcome"], event["extra"]["username"]) == ("create_token", "done", "anna")
        assert event["owner"] == "anna"


class TestUsers:
    def test_an_administrator_makes_changes_and_deletes_users(self, api: Api) -> None:
        grants = [{"pattern": "team_a.*", "role": "author"}]
        body = {"username": "anna", "password": PASSWORD, "role": None, "grants": grants}
        made = api.post("/users", body, 201)
        assert (made["role"], made["grants"], made["is_active"]) == (None, grants, True)
        assert api.post("/users", body, 409)["code"] == "conflict"
        token = token_of(api)
        assert api.get("/dags", token=token)["total_entries"] == 0
        changed = api.patch("/users/anna", {"role": "viewer", "grants": []})
        assert (changed["role"], changed["grants"]) == ("viewer", [])
        assert api.get("/pools", token=token)["total_entries"] == 1
        assert [each["username"] for each in api.get("/users")["users"]] == ["anna"]
        api.delete("/users/anna")
        assert api.request("GET", "/me", token=token).status == 403
        assert api.get("/users/anna", 404)["code"] == "not_found"

    def test_a_new_password_ends_what_the_old_one_had_opened(self, api: Api) -> None:
        user(api)
        token = token_of(api)
        wrong = {"current_password": WRONG, "new_password": WRONG}
        assert api.put("/me/password", wrong, 422, token=token)["errors"][0]["code"] == "wrong_password"
        api.put("/me/password", {"current_password": PASSWORD, "new_password": WRONG}, 204, token=token)
        assert api.request("GET", "/me", token=token).status == 403
        assert (login(api).status, login(api, password=WRONG).status) == (401, 201)

    def test_a_token_without_a_user_has_no_password(self, sqlite_api: Api) -> None:
        body = {"current_password": PASSWORD, "new_password": WRONG}
        assert sqlite_api.put("/me/password", body, 403)["code"] == "forbidden"

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"username": "a b"}, id="name with a space"),
            pytest.param({"password": "short"}, id="short password"),
            pytest.param({"role": "king"}, id="unknown role"),
            pytest.param({"grants": [{"pattern": "a*b", "role": "viewer"}]}, id="star in the middle"),
            pytest.param({"grants": [{"pattern": "a", "role": "admin"}]}, id="administrator of a DAG"),
            pytest.param({"grants": [{"pattern": "a", "role": "viewer"}] * 2}, id="two grants of one pattern"),
            pytest.param({"surprise": 1}, id="unknown member"),
        ],
    )
    def test_a_user_that_cannot_be(self, sqlite_api: Api, change: Mapping[str, Any]) -> None:
        sqlite_api.post("/users", {"username": "anna", "password": PASSWORD, "role": "viewer", **change}, 422)

    def test_passwords_are_stored_as_argon2id_alone(self, sqlite_api: Api) -> None:
        sqlite_api.post("/users", {"username": "anna", "password": PASSWORD, "role": "viewer"}, 201)
        token = token_of(sqlite_api)
        with sqlite_api.database.read() as connection:
            stored = connection.scalar(select(user_account.c.password_hash))
        assert stored is not None
        assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
        files = b"".join(path.read_bytes() for path in sqlite_api.database.sqlite_path.parent.glob("mainspring.db*"))
        assert token.encode() not in files
        assert PASSWORD.encode() not in files


class TestTokens:
    def test_a_token_is_shown_once_and_works_until_it_is_revoked(self, api: Api) -> None:
        made = api.post("/tokens", {"name": "ci", "role": "operator"}, 201)
        token = made.pop("token")
        assert api.get("/me", token=token)["name"] == "ci"
        [listed] = [each for each in api.get("/tokens")["tokens"] if each["name"] == "ci"]
        assert listed.pop("last_used_at") is not None
        made.pop("last_used_at")
        assert listed == made
        api.delete(f"/tokens/{made['id']}")
        assert api.request("GET", "/me", token=token).json["detail"] == "Invalid token"
        assert api.get("/tokens?name_pattern=ci")["tokens"][0]["revoked_at"] is not None

    def test_a_token_stops_at_its_time(self, api: Api) -> None:
        expires_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        made = api.post("/tokens", {"name": "ci", "role": "viewer", "expires_at": expires_at}, 201)
        with api.database.write() as connection:
            connection.execute(
                update(api_token).where(api_token.c.id == made["id"]).values(expires_at=datetime.now(UTC))
            )
        assert api.request("GET", "/me", token=made["token"]).json["detail"] == "Token Expired"

    def test_a_users_token_does_no_more_than_its_user(self, api: Api) -> None:
        user(api, role=Role.VIEWER)
        api.save()
        token = api.post("/tokens", {"name": "ci", "role": "author"}, 201, token=token_of(api))["token"]
        assert api.request("POST", "/dags/etl/dagRuns", json={}, token=token).status == 403
        api.patch("/users/anna", {"role": "operator"})
        assert api.request("POST", "/dags/etl/dagRuns", json={}, token=token).status == 200

    def test_a_users_token_may_do_less(self, api: Api) -> None:
        user(api, role=Role.AUTHOR)
        api.save("etl")
        api.save("other")
        body = {"name": "ci", "grants": [{"pattern": "etl", "role": "operator"}]}
        token = api.post("/tokens", body, 201, token=token_of(api))["token"]
        assert [each["dag_id"] for each in api.get("/dags", token=token)["dags"]] == ["etl"]
        assert api.request("POST", "/dags/etl/dagRuns", json={}, token=token).status == 200
        assert api.request("POST", "/dags/other/dagRuns", json={}, token=token).status == 404

    def test_a_token_does_not_make_tokens_that_may_do_more(self, api: Api) -> None:
        user(api, role=Role.AUTHOR)
        mine = token_of(api)
        small = api.post("/tokens", {"name": "ci", "role": "viewer"}, 201, token=mine)["token"]
        for name in ({}, {"username": "anna"}, {"username": None}):
            assert (
                api.request("POST", "/tokens", json={"name": "x", "role": "author", **name}, token=small).status == 403
            )
        free = api.post("/tokens", {"name": "free", "role": "author"}, 201)["token"]
        assert api.request("POST", "/tokens", json={"name": "x", "role": "admin"}, token=free).status == 403

    def test_who_is_no_administrator_deals_with_own_tokens_alone(self, api: Api) -> None:
        user(api)
        user(api, "bert", role=None)
        anna, bert = token_of(api), token_of(api, "bert")
        made = api.post("/tokens", {"name": "annas", "role": "viewer"}, 201, token=anna)
        assert made["username"] == "anna"
        own = api.post("/tokens", {"name": "berts", "role": "viewer"}, 201, token=bert)
        assert [each["name"] for each in api.get("/tokens", token=bert)["tokens"]] == ["berts"]
        assert api.request("DELETE", f"/tokens/{made['id']}", token=bert).status == 404
        assert api.request("DELETE", f"/tokens/{own['id']}", token=bert).status == 204
        for name in ("anna", None):
            body = {"name": "x", "role": "viewer", "username": name}
            assert api.request("POST", "/tokens", json=body, token=bert).status == 403

    def test_an_administrator_makes_a_token_for_a_user(self, api: Api) -> None:
        user(api)
        made = api.post("/tokens", {"name": "ci", "role": "viewer", "username": "anna"}, 201)
        assert (made["username"], api.get("/me", token=made["token"])["name"]) == ("anna", "anna")
        assert api.post("/tokens", {"name": "x", "role": "viewer", "username": "none"}, 422)["code"] == "invalid"

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"role": None}, id="may do nothing"),
            pytest.param({"name": ""}, id="no name"),
            pytest.param({"name": "a\0"}, id="NUL"),
            pytest.param({"expires_at": "2020-01-01T00:00:00Z"}, id="expired"),
        ],
    )
    def test_a_token_that_cannot_be(self, sqlite_api: Api, change: Mapping[str, Any]) -> None:
        sqlite_api.post("/tokens", {"name": "ci", "role": "viewer", **change}, 422)

    def test_a_repeated_request_for_a_token_makes_no_second_one_and_shows_none_again(self, api: Api) -> None:
        options: dict[str, Any] = {"headers": {"Idempotency-Key": "k1"}}
        first = api.post("/tokens", {"name": "ci", "role": "viewer"}, 201, **options)
        again = api.post("/tokens", {"name": "ci", "role": "viewer"}, 409, **options)
        assert first["token"] not in str(again)
        assert f"delete '{first['id']}' and send" in again["detail"]["message"]
        assert api.get("/tokens?name_pattern=ci")["total_entries"] == 1
        other = api.post("/tokens", {"name": "other", "role": "viewer"}, 422, **options)
        assert other["errors"][0]["code"] == "idempotency_key_reused"
        if api.database.is_sqlite:
            folder = api.database.sqlite_path.parent
            stored = b"".join(path.read_bytes() for path in folder.glob("mainspring.db*"))
            assert first["token"].encode() not in stored

    def test_the_use_of_a_token_is_noted_to_the_minute(self, api: Api) -> None:
        made = api.post("/tokens", {"name": "ci", "role": "viewer"}, 201)

        def used() -> datetime:
            [row] = api.get("/tokens?name_pattern=ci")["tokens"]
            return datetime.fromisoformat(row["last_used_at"])

        def look_up() -> datetime:
            Authenticator(api.database, LOGIN_TOKENS).authenticate(f"Bearer {made['token']}")
            return used()

        first = look_up()
        assert look_up() == first
        with api.database.write() as connection:
            earlier = first - timedelta(seconds=61)
            connection.execute(update(api_token).where(api_token.c.id == made["id"]).values(last_used_at=earlier))
        assert look_up() >= first


class TestAdminTokenOfTheSettings:
    def test_another_one_revokes_the_one_before(self, api: Api) -> None:
        authenticator = Authenticator(api.database, LOGIN_TOKENS)
        for token, before in (("first", None), ("second", "first"), ("first", "second")):
            keep_admin_token(api.database, token, now=datetime.now(UTC), is_only=True)
            authenticator.forget()
            assert authenticator.authenticate(f"Bearer {token}").role is Role.ADMIN
            if before:
                with pytest.raises(InvalidToken):
                    authenticator.authenticate(f"Bearer {before}")

    def test_one_that_was_made_leaves_those_of_other_homes(self, api: Api, tmp_path: Any) -> None:
        ensure_admin_token(api.database, tmp_path)
        assert api.request("GET", "/dags").status == 200

    @pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
    def test_processes_that_start_together_agree(self, open_api: OpenApi, kind: str) -> None:
        together = threading.Barrier(4)

        def keep(token: str) -> None:
            together.wait()
            keep_admin_token(api.database, token, now=datetime.now(UTC), is_only=True)

        with open_api(kind) as api, ThreadPoolExecutor(together.parties) as pool:
            for turn in range(5):
                # At the first start of all there is none; what is there to be revoked makes them take turns.
                with api.database.write() as connection:
                    connection.execute(delete(api_token))
                for kept in [pool.submit(keep, f"chosen-{turn}") for _ in range(together.parties)]:
                    kept.result()
            with api.database.read() as connection:
                valid = connection.scalars(select(api_token.c.id).where(api_token.c.revoked_at.is_(None))).all()
        assert len(valid) == 1


def test_what_is_trusted_is_trusted_for_seconds() -> None:
    assert TRUST_SECONDS <= 5
