"""Sessions of browsers (S21): the cookie, what ends a session, and requests of other sites."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from sqlalchemy import select, update

from mainspring_api.http.authentication import TRUST_SECONDS
from mainspring_store.access.roles import Role
from mainspring_store.access.sessions import SESSION_IDLE_MAX, SESSION_LIFE_MAX
from mainspring_store.access.tokens import add_token
from mainspring_store.queries.audit import list_events
from mainspring_store.queries.listing import ListQuery
from mainspring_store.tables import api_token, browser_session, session_code
from tests.api.harness import Answer, Api
from tests.api.test_identity import PASSWORD, WRONG, token_of, user

PAGE = {"X-Mainspring-Page": "1", "Origin": "http://localhost"}


class Browser:
    """A browser on the page: keeps the cookie, and sends the headers of the page."""

    def __init__(self, api: Api, **environ: Any) -> None:
        self._api = api
        self._environ = {"REMOTE_ADDR": "127.0.0.1", **environ}
        self.cookie: str | None = None

    def log_in(self, status: int = 204, **credentials: str) -> Answer:
        answer = self.request("POST", "/auth/session", json=credentials or {"username": "anna", "password": PASSWORD})
        assert answer.status == status, answer.body
        if status == 204:
            self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return answer

    def request(self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any) -> Answer:
        sent = dict(PAGE if headers is None else headers)
        if self.cookie is not None:
            sent["Cookie"] = self.cookie
        return self._api.request(method, path, token=None, headers=sent, environ_overrides=self._environ, **options)

    def status(self, method: str = "GET", path: str = "/me", **options: Any) -> int:
        return self.request(method, path, **options).status


def forget(api: Api) -> None:
    """Have the server look at the database again, as it does after `TRUST_SECONDS`."""
    assert TRUST_SECONDS <= 5
    api.app.extensions["mainspring"].authenticator.forget()


def column(api: Api, name: str) -> Any:
    with api.database.read() as connection:
        return connection.scalar(select(browser_session.c[name]))


class TestLogin:
    def test_a_password_opens_a_session_with_the_rights_of_its_user(self, api: Api) -> None:
        user(api, role=Role.OPERATOR)
        api.save()
        browser = Browser(api)
        assert browser.status() == 401
        browser.log_in()
        me = browser.request("GET", "/me").json
        assert (me["name"], me["rights"]) == ("anna", [{"role": "operator", "grants": []}])
        assert browser.status("POST", "/dags/etl/dagRuns", json={}) == 200
        assert browser.status("GET", "/users") == 403

    def test_a_token_opens_a_session_with_its_own_rights(self, api: Api) -> None:
        user(api, role=Role.ADMIN)
        limited = api.post("/tokens", {"name": "t", "role": "viewer"}, 201, token=token_of(api))["token"]
        browser = Browser(api)
        browser.log_in(token=limited)
        assert browser.status("GET", "/dags") == 200
        assert browser.status("GET", "/users") == 403
        for token in (api.token, token_of(api)):
            browser.log_in(token=token)
            assert browser.status("GET", "/users") == 200

    def test_each_login_has_an_id_of_its_own(self, sqlite_api: Api) -> None:
        browser = Browser(sqlite_api)
        browser.log_in(token=sqlite_api.token)
        first = browser.cookie
        browser.log_in(token=sqlite_api.token)
        assert browser.cookie != first

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            pytest.param({"username": "anna", "password": WRONG}, 401, id="wrong password"),
            pytest.param({"username": "berta", "password": PASSWORD}, 401, id="unknown user"),
            pytest.param({"token": "ms_nonsense"}, 401, id="unknown token"),
            pytest.param({}, 422, id="nothing"),
            pytest.param({"username": "anna"}, 422, id="no password"),
            pytest.param({"username": "anna", "password": PASSWORD, "token": "ms_x"}, 422, id="both"),
            pytest.param({"username": "an\0na", "password": PASSWORD}, 422, id="NUL"),
        ],
    )
    def test_what_opens_none(self, sqlite_api: Api, body: dict[str, str], status: int) -> None:
        user(sqlite_api)
        answer = Browser(sqlite_api).request("POST", "/auth/session", json=body)
        assert (answer.status, answer.headers.get("Set-Cookie")) == (status, None)

    def test_the_audit_log_names_who_logged_in(self, api: Api) -> None:
        user(api, role=Role.ADMIN)
        token = token_of(api)
        browser = Browser(api)
        browser.log_in(token=token)
        browser.log_in(token=api.token)
        browser.log_in()
        browser.log_in(401, username="anna", password=WRONG)
        browser.log_in(401, token="ms_nonsense")
        logged = list_events(api.database, ListQuery(filters={"event": "create_session"})).rows
        assert [(event["outcome"], event["owner"]) for event in logged] == [
            *[("done", "anna"), ("done", "admin"), ("done", "anna")],
            *[("refused", None)] * 2,
        ]

    def test_a_token_of_a_worker_opens_none(self, sqlite_api: Api) -> None:
        token = sqlite_api.post("/tokens", {"name": "w", "queue": "default"}, 201)["token"]
        Browser(sqlite_api).log_in(401, token=token)

    def test_failed_logins_are_limited_like_those_for_tokens(
        self, sqlite_api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Real hashes take so long that the limit refills.
        monkeypatch.setattr("mainspring_api.resources.people.login.is_password", lambda *_: False)
        wrong = {"json": {"username": "anna", "password": WRONG}}
        statuses = [Browser(sqlite_api).status("POST", "/auth/session", **wrong) for _ in range(11)]
        assert statuses == [401] * 10 + [429]
        assert Browser(sqlite_api).status("POST", "/auth/token", **wrong) == 429

    def test_the_store_holds_no_secret(self, sqlite_api: Api) -> None:
        browser = Browser(sqlite_api)
        browser.log_in(token=sqlite_api.token)
        assert browser.cookie is not None
        secret = browser.cookie.partition("=")[2]
        with sqlite_api.database.read() as connection:
            assert secret not in str(connection.execute(select(browser_session)).all())


class TestCookie:
    @pytest.mark.parametrize(
        ("environ", "start"),
        [
            pytest.param({}, "mainspring=", id="plain loopback"),
            pytest.param({"REMOTE_ADDR": "172.17.0.1"}, "mainspring=", id="a published port of a container"),
            pytest.param({"wsgi.url_scheme": "https"}, "__Host-mainspring=", id="TLS"),
            pytest.param(
                {"REMOTE_ADDR": "203.0.113.7", "HTTP_HOST": "page.example"}, "__Host-mainspring=", id="elsewhere"
            ),
        ],
    )
    def test_its_attributes_keep_it_from_scripts_and_other_sites(
        self, open_api: Any, environ: dict[str, str], start: str
    ) -> None:
        with open_api("sqlite", allowed_hosts=("localhost", "page.example")) as api:
            host = environ.get("HTTP_HOST", "localhost")
            headers = {**PAGE, "Origin": f"{environ.get('wsgi.url_scheme', 'http')}://{host}"}
            answer = Browser(api, **environ).request(
                "POST", "/auth/session", json={"token": api.token}, headers={**headers, "Host": host}
            )
        cookie, *attributes = answer.headers["Set-Cookie"].split("; ")
        assert cookie.startswith(start)
        assert {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=604800"} <= set(attributes)
        assert ("Secure" in attributes) == start.startswith("__Host-")
        assert not any(attribute.startswith("Domain") for attribute in attributes)

    def test_a_header_wins_over_the_cookie(self, sqlite_api: Api) -> None:
        browser = Browser(sqlite_api)
        browser.log_in(token=sqlite_api.token)
        viewer = {"Authorization": f"Bearer {sqlite_api.token_of(Role.VIEWER)}"}
        assert browser.status("GET", "/users", headers=viewer) == 403
        assert browser.status("GET", "/dags", headers={"Authorization": "Bearer ms_nonsense"}) == 403
        # A program that sends a token needs no header of the page.
        admin = {"Authorization": f"Bearer {sqlite_api.token}"}
        assert browser.status("POST", "/pools", json={"name": "p", "slots": 1}, headers=admin) == 201


class TestOtherSites:
    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param({}, id="neither"),
            pytest.param({"X-Mainspring-Page": "1"}, id="no origin"),
            pytest.param({"Origin": "http://localhost"}, id="no header"),
            pytest.param({"X-Mainspring-Page": "1", "Origin": "null"}, id="null"),
            pytest.param({"X-Mainspring-Page": "1", "Origin": "http://evil.example"}, id="another site"),
            pytest.param({"X-Mainspring-Page": "1", "Origin": "http://localhost:81"}, id="another port"),
            pytest.param({"X-Mainspring-Page": "1", "Origin": "http://localhost.evil.example"}, id="a longer name"),
            pytest.param({"X-Mainspring-Page": "1", "Origin": "http://x@localhost"}, id="a name before it"),
        ],
    )
    def test_a_change_by_cookie_needs_the_header_and_an_origin_of_ours(
        self, sqlite_api: Api, headers: dict[str, str]
    ) -> None:
        sqlite_api.save()
        browser = Browser(sqlite_api)
        browser.log_in(token=sqlite_api.token)
        for method, path in (("POST", "/dags/etl/dagRuns"), ("PATCH", "/dags/etl"), ("DELETE", "/dags/etl")):
            answer = browser.request(method, path, headers=headers, json={})
            assert (answer.status, answer.json["code"]) == (403, "forbidden")
        assert browser.status("GET", "/dags", headers=headers) == 200
        assert sqlite_api.get("/dags/etl/dagRuns")["total_entries"] == 0
        refused = sqlite_api.get("/eventLogs?event=delete_dag")["event_logs"]
        assert len(refused) == 1

    def test_over_tls_an_origin_without_tls_is_another_site(self, sqlite_api: Api) -> None:
        browser = Browser(sqlite_api, **{"wsgi.url_scheme": "https"})
        ours = {**PAGE, "Origin": "https://localhost"}
        assert browser.status("POST", "/auth/session", headers=PAGE, json={"token": sqlite_api.token}) == 403
        assert browser.status("POST", "/auth/session", headers=ours, json={"token": sqlite_api.token}) == 204

    def test_another_site_logs_no_browser_in(self, sqlite_api: Api) -> None:
        headers = {"Origin": "https://evil.example"}
        body = {"token": sqlite_api.token}
        assert Browser(sqlite_api).status("POST", "/auth/session", headers=headers, json=body) == 403
        plain = {"data": b'{"token": "x"}', "content_type": "text/plain"}
        assert Browser(sqlite_api).status("POST", "/auth/session", headers={}, **plain) == 415


class TestEnds:
    def test_a_logout_ends_it_and_removes_the_cookie(self, api: Api) -> None:
        browser = Browser(api)
        browser.log_in(token=api.token)
        answer = browser.request("DELETE", "/auth/session")
        assert (answer.status, "Max-Age=0" in answer.headers["Set-Cookie"]) == (204, True)
        assert browser.status() == 401

    def test_it_ends_with_a_new_password(self, api: Api) -> None:
        user(api)
        with_password, with_token = Browser(api), Browser(api)
        with_password.log_in()
        with_token.log_in(token=api.post("/tokens", {"name": "t", "role": "viewer"}, 201, token=token_of(api))["token"])
        assert (with_password.status(), with_token.status()) == (200, 200)
        api.patch("/users/anna", {"password": WRONG})
        forget(api)
        assert (with_password.status(), with_token.status()) == (401, 401)

    @pytest.mark.parametrize("change", [{"is_active": False}, None])
    def test_it_ends_with_its_user(self, api: Api, change: dict[str, Any] | None) -> None:
        user(api)
        browser = Browser(api)
        browser.log_in()
        api.delete("/users/anna") if change is None else api.patch("/users/anna", change)
        forget(api)
        assert browser.status() == 401

    def test_it_ends_with_its_token(self, api: Api) -> None:
        user(api)
        mine = token_of(api)
        token = api.post("/tokens", {"name": "t", "role": "viewer"}, 201, token=mine)
        of_token, of_login = Browser(api), Browser(api)
        of_token.log_in(token=token["token"])
        of_login.log_in(token=mine)
        api.delete(f"/tokens/{token['id']}")
        forget(api)
        assert (of_token.status(), of_login.status()) == (401, 200)
        with api.database.write() as connection:
            past = datetime.now(UTC) - timedelta(seconds=1)
            connection.execute(update(api_token).where(api_token.c.kind == "login").values(expires_at=past))
        forget(api)
        answer = of_login.request("GET", "/me")
        assert (answer.status, answer.json["code"]) == (401, "token_expired")

    def test_one_that_has_run_out_is_told_from_one_that_there_is_not(self, api: Api) -> None:
        browser = Browser(api)
        browser.log_in(token=api.token)
        with api.database.write() as connection:
            connection.execute(update(browser_session).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
        answer = browser.request("GET", "/me")
        assert (answer.status, answer.json["code"]) == (401, "token_expired")
        browser.cookie = "mainspring=another"
        answer = browser.request("GET", "/me")
        assert (answer.status, answer.json["code"]) == (401, "unauthenticated")

    def test_its_end_moves_with_each_use_and_not_beyond_a_week(self, api: Api) -> None:
        browser = Browser(api)
        browser.log_in(token=api.token)
        begun = datetime.now(UTC)
        assert abs(column(api, "expires_at") - begun - SESSION_IDLE_MAX) < timedelta(minutes=1)
        for age, ends in ((timedelta(hours=11), SESSION_IDLE_MAX), (timedelta(days=6, hours=20), timedelta(hours=4))):
            values = {"created_at": begun - age, "last_used_at": begun - timedelta(hours=11)}
            with api.database.write() as connection:
                connection.execute(update(browser_session).values(**values, expires_at=begun + timedelta(minutes=1)))
            forget(api)
            assert browser.status() == 200
            assert abs(column(api, "expires_at") - begun - ends) < timedelta(minutes=1)
        assert timedelta(days=7) == SESSION_LIFE_MAX

    def test_it_ends_by_itself(self, sqlite_api: Api) -> None:
        browser = Browser(sqlite_api)
        browser.log_in(token=sqlite_api.token)
        with sqlite_api.database.write() as connection:
            connection.execute(update(browser_session).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
        forget(sqlite_api)
        assert browser.status() == 401


class TestList:
    def test_it_holds_ones_own_and_each_can_be_ended(self, api: Api) -> None:
        user(api)
        mine, other, admin = Browser(api), Browser(api), Browser(api)
        mine.log_in()
        other.log_in()
        admin.log_in(token=api.token)
        listed = mine.request("GET", "/sessions").json
        assert listed["total_entries"] == 2
        [current] = [session["id"] for session in listed["sessions"] if session["is_current"]]
        [second] = [session["id"] for session in listed["sessions"] if session["id"] != current]
        assert admin.status("DELETE", f"/sessions/{second}") == 404
        assert mine.status("DELETE", f"/sessions/{second}") == 204
        assert (mine.status(), other.status(), admin.status()) == (200, 401, 200)
        assert [session["is_current"] for session in admin.request("GET", "/sessions").json["sessions"]] == [True]

    def test_a_token_without_a_user_sees_no_session_of_another_token(self, sqlite_api: Api) -> None:
        token = "ms_one_of_two"
        add_token(sqlite_api.database, token, name="x", role=Role.ADMIN, now=datetime.now(UTC))
        Browser(sqlite_api).log_in(token=sqlite_api.token)
        assert sqlite_api.get("/sessions", token=token)["total_entries"] == 0
        assert sqlite_api.get("/sessions")["total_entries"] == 1


class TestCodes:
    """One-time codes of sign-in links."""

    HERE: ClassVar[dict[str, Any]] = {"environ_overrides": {"REMOTE_ADDR": "127.0.0.1"}}

    def code(self, api: Api, **options: Any) -> str:
        return str(api.post("/auth/sessionCode", {}, 201, **self.HERE, **options)["code"])

    def test_a_code_opens_one_session_of_who_made_it(self, api: Api) -> None:
        user(api, role=Role.OPERATOR)
        first, second = Browser(api), Browser(api)
        code = self.code(api, token=token_of(api))
        first.log_in(code=code)
        second.log_in(401, code=code)
        me = first.request("GET", "/me").json
        assert (me["name"], me["rights"]) == ("anna", [{"role": "operator", "grants": []}])
        assert second.status() == 401
        logged = list_events(api.database, ListQuery(filters={"event": "create_session"})).rows
        assert [(event["outcome"], event["owner"]) for event in logged] == [("done", "anna"), ("refused", None)]

    def test_a_code_of_a_token_opens_no_more_than_the_token(self, sqlite_api: Api) -> None:
        browser = Browser(sqlite_api)
        browser.log_in(code=self.code(sqlite_api, token=sqlite_api.token_of(Role.VIEWER)))
        assert (browser.status("GET", "/dags"), browser.status("GET", "/users")) == (200, 403)

    def test_a_code_ends_after_ten_minutes(self, api: Api) -> None:
        code = self.code(api)
        with api.database.write() as connection:
            row = connection.execute(select(session_code)).one()
            assert timedelta(minutes=9) < row.expires_at - datetime.now(UTC) <= timedelta(minutes=10)
            assert code not in str(row)
            connection.execute(update(session_code).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
        Browser(api).log_in(401, code=code)
        self.code(api)
        with api.database.read() as connection:
            assert len(connection.execute(select(session_code)).all()) == 1

    def test_another_machine_makes_and_uses_none(self, sqlite_api: Api) -> None:
        code = self.code(sqlite_api)
        elsewhere = Browser(sqlite_api, REMOTE_ADDR="203.0.113.7")
        elsewhere.log_in(403, code=code)
        away = {"environ_overrides": {"REMOTE_ADDR": "203.0.113.7"}}
        sqlite_api.post("/auth/sessionCode", {}, 403, **away)
        Browser(sqlite_api).log_in(code=code)

    def test_a_repeated_request_shows_no_code_again(self, sqlite_api: Api) -> None:
        key = {"Idempotency-Key": "one"}
        code = self.code(sqlite_api, headers=key)
        refused = sqlite_api.post("/auth/sessionCode", {}, 409, headers=key, **self.HERE)
        assert code not in str(refused)
        assert "send the request with another Idempotency-Key" in str(refused)
        Browser(sqlite_api).log_in(code=code)

    def test_it_ends_with_its_token(self, sqlite_api: Api) -> None:
        token = sqlite_api.post("/tokens", {"name": "t", "role": "viewer", "username": None}, 201)
        code = self.code(sqlite_api, token=token["token"])
        sqlite_api.delete(f"/tokens/{token['id']}")
        browser = Browser(sqlite_api)
        browser.log_in(code=code)
        assert browser.status() == 401
