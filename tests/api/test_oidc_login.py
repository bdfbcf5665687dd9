"""Logging in with an identity provider: from the button of the page to a session, and each way in which it fails."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from sqlalchemy import select, update

from mainspring.identity_rules import GroupRights
from mainspring_api import OidcSettings
from mainspring_store.access.roles import Role
from mainspring_store.queries.audit import list_events
from mainspring_store.queries.listing import ListQuery
from mainspring_store.tables import used_token, user_account
from tests.api.conftest import OpenApi
from tests.api.harness import Answer, Api
from tests.api.identity_provider import ISSUER, Issuer
from tests.api.test_identity import PASSWORD, login, user

PUBLIC_URL = "http://localhost"
CALLBACK = "/auth/oidc/callback"
SETTINGS = OidcSettings(
    issuer=ISSUER,
    client_id="mainspring",
    client_secret="s e/c",
    public_url=PUBLIC_URL,
    label="Example",
    groups={
        "data": GroupRights(role="viewer", grants={"etl*": "author"}),
        "ops": GroupRights(role="operator"),
    },
)


class Person:
    """A browser of a person, between this server and the provider of a test."""

    def __init__(self, api: Api, issuer: Issuer | None = None) -> None:
        self.api = api
        self.issuer = issuer
        self.cookies: dict[str, str] = {}

    def get(self, path: str, status: int = 200) -> Answer:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = self.api.request(
            "GET", path, token=None, headers=headers, environ_overrides={"REMOTE_ADDR": "127.0.0.1"}
        )
        for cookie in answer.headers.getlist("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies = (
                {**self.cookies, name: value} if value else {k: v for k, v in self.cookies.items() if k != name}
            )
        assert answer.status == status, answer.body
        return answer

    def begin(self, next_path: str = "/") -> dict[str, str]:
        """Press the button; returns what the provider is asked."""
        address = urlsplit(self.get(f"/auth/oidc/login?next={next_path}", 302).headers["Location"])
        return dict(parse_qsl(address.query))

    def come_back(self, **parameters: str) -> str:
        """Return from the provider; the address to which the server sends the browser."""
        query = httpx.QueryParams(parameters)
        return str(self.get(f"{CALLBACK}?{query}", 302).headers["Location"])

    def log_in(self, next_path: str = "/", **claims: Any) -> str:
        assert self.issuer is not None
        asked = self.begin(next_path)
        self.issuer.claims = {"nonce": asked["nonce"], "preferred_username": "anna", "groups": ["data"], **claims}
        return self.come_back(code="c1", state=asked["state"])

    def fail(self, **claims: Any) -> dict[str, Any]:
        """Log in in vain; the problem that the login page gets."""
        assert self.log_in(**claims) == "/login"
        return self.problem()

    def problem(self) -> dict[str, Any]:
        assert "mainspring" not in self.cookies
        text = self.cookies["mainspring-login-problem"]
        problem: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return problem


@contextmanager
def served(open_api: OpenApi, kind: str, settings: OidcSettings = SETTINGS) -> Iterator[tuple[Api, Issuer]]:
    with open_api(kind, oidc=settings) as api:
        issuer = Issuer()
        api.app.extensions["mainspring"].providers._providers[settings.issuer] = issuer.provider()
        yield api, issuer


@pytest.fixture(params=["sqlite", "postgresql"])
def each(request: pytest.FixtureRequest, open_api: OpenApi) -> Iterator[tuple[Api, Issuer]]:
    with served(open_api, request.param) as api_and_issuer:
        yield api_and_issuer


@pytest.fixture
def sqlite(open_api: OpenApi) -> Iterator[tuple[Api, Issuer]]:
    with served(open_api, "sqlite") as api_and_issuer:
        yield api_and_issuer


def events(api: Api) -> list[Any]:
    return list_events(api.database, ListQuery(order_by=(), limit=100, offset=0)).rows


class TestLogin:
    def test_a_session_has_the_rights_of_the_groups(self, each: tuple[Api, Issuer]) -> None:
        api, issuer = each
        person = Person(api, issuer)
        assert person.log_in("/dags?state=failed%26x=1") == "/dags?state=failed&x=1"
        me = person.get("/me").json
        assert (me["name"], me["rights"]) == (
            "anna",
            [{"role": "viewer", "grants": [{"pattern": "etl*", "role": "author"}]}],
        )
        person.get("/users", 403)
        assert set(person.cookies) == {"mainspring"}
        account = api.get("/users/anna")
        assert (account["issuer"], account["subject"]) == (ISSUER, "u1")
        assert account["last_login_at"] is not None
        done = [event for event in events(api) if event["event"] == "finish_oidc_login"]
        assert [(event["outcome"], event["owner"], event["extra"]["subject"]) for event in done] == [
            ("done", "anna", "u1")
        ]

    def test_each_login_sets_the_rights_anew(self, each: tuple[Api, Issuer]) -> None:
        api, issuer = each
        person = Person(api, issuer)
        person.log_in(groups=["data", "ops"])
        assert person.get("/me").json["rights"][0]["role"] == "operator"
        again = Person(api, issuer)
        again.log_in(groups="ops", preferred_username="renamed")
        for browser in (person, again):
            me = browser.get("/me").json
            assert (me["name"], me["rights"]) == ("anna", [{"role": "operator", "grants": []}])
        assert api.get("/users")["total_entries"] == 1

    def test_who_lost_the_groups_loses_rights_and_sessions(self, each: tuple[Api, Issuer]) -> None:
        api, issuer = each
        person = Person(api, issuer)
        person.log_in()
        problem = Person(api, issuer).fail(groups=["sales"])
        assert problem["code"] == "no_group"
        assert problem["groups"] == ["data", "ops"]
        assert "groups data, ops" in problem["detail"]
        person.get("/me", 401)
        account = api.get("/users/anna")
        assert (account["role"], account["grants"]) == (None, [])

    def test_a_name_of_another_user_is_never_taken_over(self, each: tuple[Api, Issuer]) -> None:
        api, issuer = each
        user(api, "anna", Role.ADMIN)
        person = Person(api, issuer)
        person.log_in()
        assert person.get("/me").json["name"] == "anna-2"
        other = Person(api, issuer)
        other.log_in(sub="u2", email="anna@example.test")
        assert other.get("/me").json["name"] == "anna-3"
        assert api.get("/users/anna")["role"] == "admin"
        again = Person(api, issuer)
        again.log_in()
        assert again.get("/me").json["name"] == "anna-2"

    def test_an_inactive_user_stays_out(self, each: tuple[Api, Issuer]) -> None:
        api, issuer = each
        Person(api, issuer).log_in()
        api.patch("/users/anna", {"is_active": False})
        problem = Person(api, issuer).fail()
        assert problem == {"code": "inactive", "detail": "an administrator has made this user inactive"}

    def test_the_user_has_no_password(self, sqlite: tuple[Api, Issuer]) -> None:
        api, issuer = sqlite
        person = Person(api, issuer)
        person.log_in()
        refused = api.request("PATCH", "/users/anna", json={"password": PASSWORD})
        assert (refused.status, refused.json["errors"][0]["code"]) == (422, "no_password")
        assert login(api, "anna", PASSWORD).status == 401
        headers = {"X-Mainspring-Page": "1", "Origin": "http://localhost"}
        headers["Cookie"] = f"mainspring={person.cookies['mainspring']}"
        body = {"current_password": PASSWORD, "new_password": PASSWORD}
        environ = {"REMOTE_ADDR": "127.0.0.1"}
        answer = api.request("PUT", "/me/password", token=None, headers=headers, json=body, environ_overrides=environ)
        assert (answer.status, "you have no password" in answer.json["detail"]) == (403, True)

    def test_claims_that_the_token_lacks_are_asked_for(self, sqlite: tuple[Api, Issuer]) -> None:
        api, issuer = sqlite
        issuer.user_info = {"sub": "u1", "groups": ["ops"], "iss": "https://evil.test"}
        person = Person(api, issuer)
        person.log_in(groups=None)
        assert person.get("/me").json["rights"][0]["role"] == "operator"
        issuer.user_info = {"sub": "u2", "groups": ["ops"]}
        assert Person(api, issuer).fail(groups=None)["code"] == "no_group"

    def test_a_claim_may_lie_in_objects(self, open_api: OpenApi) -> None:
        more = {"groups_claim": "realm_access.roles", "required_groups": ("staff",)}
        settings = OidcSettings(**{name: getattr(SETTINGS, name) for name in SETTINGS.__slots__} | more)
        with served(open_api, "sqlite", settings) as (api, issuer):
            person = Person(api, issuer)
            person.log_in(groups=None, realm_access={"roles": ["staff", "ops"]})
            assert person.get("/me").json["rights"][0]["role"] == "operator"
            problem = Person(api, issuer).fail(groups=None, realm_access={"roles": ["ops"]})
            assert problem["groups"] == ["staff"]

    @pytest.mark.parametrize(
        ("name", "username"),
        [("a b<c>", "a_b_c_"), ("  ", "u1"), (7, "u1"), ("x" * 300, "x" * 200), (None, "u1")],
        ids=["other characters", "blank", "no text", "long", "absent"],
    )
    def test_names_are_made_to_fit(self, sqlite: tuple[Api, Issuer], name: Any, username: str) -> None:
        person = Person(*sqlite)
        person.log_in(preferred_username=name)
        assert person.get("/me").json["name"] == username


class TestRequest:
    def test_the_code_is_bound_to_this_server_and_browser(self, sqlite: tuple[Api, Issuer]) -> None:
        api, issuer = sqlite
        person = Person(api, issuer)
        asked = person.begin()
        assert asked["redirect_uri"] == PUBLIC_URL + CALLBACK
        assert (asked["response_type"], asked["code_challenge_method"], asked["scope"]) == (
            "code",
            "S256",
            "openid profile email",
        )
        issuer.claims = {"nonce": asked["nonce"], "groups": ["data"]}
        person.come_back(code="c1", state=asked["state"])
        verifier = issuer.form["code_verifier"]
        assert (issuer.form["code"], issuer.form["redirect_uri"]) == ("c1", PUBLIC_URL + CALLBACK)
        assert issuer.form["authorization"] == "Basic " + base64.b64encode(b"mainspring:s+e%2Fc").decode()
        from mainspring_api.http.oidc_logins import OidcLogin

        assert OidcLogin(state="", nonce="", verifier=verifier, next="").challenge == asked["code_challenge"]

    def test_the_cookie_of_the_login_comes_back_from_the_provider_and_no_script_reads_it(
        self, sqlite: tuple[Api, Issuer]
    ) -> None:
        api, _ = sqlite
        for base, name in (("http://localhost", "mainspring-login"), ("https://localhost", "__Host-mainspring-login")):
            answer = api.request("GET", "/auth/oidc/login", token=None, base_url=base)
            cookie = answer.headers["Set-Cookie"]
            assert cookie.startswith(f"{name}=")
            assert "HttpOnly; Path=/; SameSite=Lax" in cookie
            assert ("Secure" in cookie) == base.startswith("https")

    @pytest.mark.parametrize(
        "path",
        ["https://evil.test", "//evil.test", "/\\evil.test", "dags", "", "/%09/evil.test", "/a%0d%0aX: y", "/\\", "/ä"],
    )
    def test_the_way_on_is_a_path_of_this_server(self, sqlite: tuple[Api, Issuer], path: str) -> None:
        answer = sqlite[0].request("GET", f"/auth/oidc/login?next={path}", token=None)
        assert answer.status == (302 if path == "" else 422)

    def test_without_a_provider_there_is_no_such_login(self, sqlite_api: Api) -> None:
        for path in ("/auth/oidc/login", f"{CALLBACK}?code=c&state=s"):
            answer = sqlite_api.request("GET", path, token=None)
            assert (answer.status, "oidc_issuer" in answer.json["detail"]) == (404, True)
        assert sqlite_api.get("/uiConfig")["logins"] == ["password", "token"]

    def test_the_page_knows_the_name_of_the_provider(self, sqlite: tuple[Api, Issuer]) -> None:
        config = sqlite[0].request("GET", "/uiConfig", token=None).json
        assert (config["logins"], config["oidc_name"]) == (["password", "token", "oidc"], "Example")


class TestRefusals:
    @pytest.mark.parametrize(
        ("claims", "code", "detail"),
        [
            pytest.param({"nonce": "other"}, "invalid", "its nonce differs", id="nonce of another login"),
            pytest.param({"nonce": None}, "invalid", "its nonce differs", id="no nonce"),
            pytest.param({"aud": "other"}, "invalid", "for 'other', not for 'mainspring'", id="audience"),
            pytest.param({"azp": "other"}, "invalid", "made for the party 'other'", id="party"),
            pytest.param({"iss": "https://evil.test"}, "invalid", "'https://evil.test'", id="issuer"),
            pytest.param({"exp": 1}, "expired", "has expired", id="expired"),
            pytest.param({"groups": []}, "no_group", "in one of the groups data, ops", id="no group"),
            pytest.param({"groups": {"data": 1}}, "no_group", "in one of the groups", id="groups of another kind"),
        ],
    )
    def test_tokens(self, sqlite: tuple[Api, Issuer], claims: dict[str, Any], code: str, detail: str) -> None:
        api, issuer = sqlite
        problem = Person(api, issuer).fail(**claims)
        assert problem["code"] == code
        assert detail in problem["detail"]
        assert api.get("/users")["total_entries"] == 0
        refused = [event for event in events(api) if event["outcome"] == "refused"]
        assert [event["extra"]["reason"] for event in refused] == [f"oidc {code}"]

    def test_another_state_and_another_browser(self, sqlite: tuple[Api, Issuer]) -> None:
        api, issuer = sqlite
        person, victim = Person(api, issuer), Person(api, issuer)
        asked = person.begin()
        issuer.claims = {"nonce": asked["nonce"], "groups": ["data"]}
        # An attacker's code in the browser of somebody else would log them in as the attacker.
        assert victim.come_back(code="c1", state=asked["state"]) == "/login"
        assert victim.problem()["code"] == "lost"
        victim.begin()
        assert victim.come_back(code="c1", state=asked["state"]) == "/login"
        assert "belongs to another login" in victim.problem()["detail"]
        assert issuer.form == {}

    def test_a_login_is_finished_once(self, each: tuple[Api, Issuer]) -> None:
        api, issuer = each
        person = Person(api, issuer)
        asked = person.begin()
        kept = dict(person.cookies)
        issuer.claims = {"nonce": asked["nonce"], "groups": ["data"]}
        assert person.come_back(code="c1", state=asked["state"]) == "/"
        replaying = Person(api, issuer)
        replaying.cookies = kept
        assert replaying.come_back(code="c1", state=asked["state"]) == "/login"
        assert "used already" in replaying.problem()["detail"]

    def test_a_login_takes_ten_minutes_at_most(
        self, sqlite: tuple[Api, Issuer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        person = Person(*sqlite)
        asked = person.begin()
        later = datetime.now(UTC) + timedelta(minutes=10, seconds=2)
        monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later.timestamp())
        assert person.come_back(code="c1", state=asked["state"]) == "/login"
        assert "longer than 10 minutes" in person.problem()["detail"]

    def test_a_refusal_of_the_provider_is_a_sentence(self, sqlite: tuple[Api, Issuer]) -> None:
        person = Person(*sqlite)
        asked = person.begin()
        assert person.come_back(error="access_denied", error_description="not\ntoday", state=asked["state"]) == "/login"
        assert person.problem()["detail"] == "the identity provider refused the login: not today"

    def test_the_answer_of_another_provider_is_refused(self, sqlite: tuple[Api, Issuer]) -> None:
        person = Person(*sqlite)
        asked = person.begin()
        assert person.come_back(code="c1", state=asked["state"], iss="https://evil.test") == "/login"
        assert "another identity provider" in person.problem()["detail"]

    def test_a_provider_that_is_away(self, sqlite: tuple[Api, Issuer]) -> None:
        api, issuer = sqlite
        issuer.is_away = True
        person = Person(api, issuer)
        assert person.get("/auth/oidc/login", 302).headers["Location"] == "/login"
        assert person.problem()["code"] == "unavailable"

    def test_failed_logins_of_an_address_are_limited(self, sqlite: tuple[Api, Issuer]) -> None:
        codes = []
        for _ in range(31):
            person = Person(*sqlite)
            person.come_back(code="c", state="s")
            codes.append(person.problem()["code"])
        assert codes == ["lost"] * 30 + ["too_many"]

    def test_uses_are_forgotten_with_their_logins(self, each: tuple[Api, Issuer]) -> None:
        api, issuer = each
        Person(api, issuer).log_in()
        with api.database.write() as connection:
            connection.execute(update(used_token).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
        Person(api, issuer).log_in()
        with api.database.read() as connection:
            assert len(connection.execute(select(used_token)).all()) == 1
            assert connection.scalar(select(user_account.c.username)) == "anna"
