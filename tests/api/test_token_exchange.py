"""The exchange of tokens of CI systems: what a rule gives, and each token that is not taken."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from mainspring.identity_rules import parse_exchange_rules
from mainspring_api.resources.people.token_exchange import ACCESS_TOKEN, GRANT_TYPE
from mainspring_store.queries.audit import list_events
from mainspring_store.queries.listing import ListQuery
from mainspring_store.tables import api_token, used_token
from tests.api.conftest import OpenApi
from tests.api.harness import Answer, Api
from tests.api.identity_provider import Issuer

GITHUB = "https://token.actions.githubusercontent.com"
AUDIENCE = "https://flows.example.test"
MAIN = {"repository": "acme/flows", "ref": "refs/heads/main"}
RULES = [
    {
        "name": "main",
        "issuer": GITHUB,
        "audience": AUDIENCE,
        "claims": MAIN,
        "grants": [{"pattern": "etl*", "role": "author"}],
        "lifetime_seconds": 600,
    },
    {"name": "branches", "issuer": GITHUB, "audience": AUDIENCE, "claims": {"repository": "acme/*"}, "role": "viewer"},
]
JWT = "urn:ietf:params:oauth:token-type:jwt"
SHELL = {"type": "shell", "command": ["true"]}


class Ci:
    """A pipeline with the tokens of its CI system."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.issuer = Issuer(GITHUB)
        self._count = 0
        api.app.extensions["mainspring"].providers._providers[GITHUB] = self.issuer.provider()

    def token(self, **claims: Any) -> str:
        self._count += 1
        return self.issuer.sign({"aud": AUDIENCE, "sub": "repo:acme/flows", "jti": f"j{self._count}", **MAIN, **claims})

    def exchange(self, token: str | None = None, **form: Any) -> Answer:
        shown = self.token() if token is None else token
        fields = {"grant_type": GRANT_TYPE, "subject_token": shown, "subject_token_type": JWT, **form}
        data = {name: value for name, value in fields.items() if value is not None}
        return self.api.request("POST", "/auth/token/exchange", token=None, data=data)

    def exchanged(self, **claims: Any) -> str:
        answer = self.exchange(self.token(**claims))
        assert answer.status == 200, answer.body
        return str(answer.json["access_token"])


@contextmanager
def served(open_api: OpenApi, kind: str) -> Iterator[Ci]:
    with open_api(kind, exchange_rules=parse_exchange_rules(RULES)) as api:
        yield Ci(api)


@pytest.fixture(params=["sqlite", "postgresql"])
def ci(request: pytest.FixtureRequest, open_api: OpenApi) -> Iterator[Ci]:
    with served(open_api, request.param) as pipeline:
        yield pipeline


@pytest.fixture
def sqlite_ci(open_api: OpenApi) -> Iterator[Ci]:
    with served(open_api, "sqlite") as pipeline:
        yield pipeline


class TestExchange:
    def test_a_token_of_a_rule_is_exchanged_for_one_with_the_rights_of_the_rule(self, ci: Ci) -> None:
        answer = ci.exchange()
        assert answer.status == 200
        assert {**answer.json, "access_token": ""} == {
            "access_token": "",
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": answer.json["expires_in"],
        }
        assert 590 <= answer.json["expires_in"] <= 600
        token = answer.json["access_token"]
        me = ci.api.get("/me", token=token)
        rights = {"role": None, "grants": [{"pattern": "etl*", "role": "author"}]}
        assert (me["name"], me["rights"]) == ("ci:main", [rights, rights])
        ci.api.put("/dags/etl", {"tasks": {"a": SHELL}}, 201, token=token)
        ci.api.put("/dags/other", {"tasks": {"a": SHELL}}, 404, token=token)
        account = ci.api.get("/users/ci:main")
        assert (account["issuer"], account["subject"]) == ("urn:mainspring:exchange", "main")
        done = next(
            event
            for event in list_events(ci.api.database, ListQuery(order_by=(), limit=100, offset=0)).rows
            if event["event"] == "exchange_token"
        )
        assert (done["outcome"], done["owner"], done["extra"]["rule"]) == ("done", "ci:main", "main")

    def test_the_first_rule_that_holds_counts(self, ci: Ci) -> None:
        token = ci.exchanged(ref="refs/heads/topic")
        assert ci.api.get("/me", token=token)["name"] == "ci:branches"
        assert ci.api.request("GET", "/dags", token=token).status == 200
        # Both rules, and each pipeline of a rule, have one user: quotas and idempotency keys last across jobs.
        ci.exchanged()
        ci.exchanged()
        assert ci.api.get("/users")["total_entries"] == 2

    def test_it_makes_no_token_that_lasts_longer(self, sqlite_ci: Ci) -> None:
        token = sqlite_ci.exchanged()
        grants = [{"pattern": "etl*", "role": "author"}]
        for body in ({"name": "t", "grants": grants}, {"name": "t", "grants": grants, "username": "ci:main"}):
            assert sqlite_ci.api.request("POST", "/tokens", token=token, json=body).status == 403
        assert sqlite_ci.api.get("/tokens")["total_entries"] == 1

    def test_it_runs_out(self, ci: Ci) -> None:
        token = ci.exchanged()
        past = datetime.now(UTC) - timedelta(seconds=1)
        with ci.api.database.write() as connection:
            connection.execute(update(api_token).where(api_token.c.kind == "exchange").values(expires_at=past))
        answer = ci.api.request("GET", "/me", token=token)
        assert (answer.status, answer.json["code"]) == (401, "token_expired")
        # The next exchange deletes it.
        ci.exchanged()
        with ci.api.database.read() as connection:
            assert len(connection.execute(select(api_token).where(api_token.c.kind == "exchange")).all()) == 1

    def test_an_administrator_stops_a_rule(self, ci: Ci) -> None:
        token = ci.exchanged()
        ci.api.patch("/users/ci:main", {"is_active": False})
        answer = ci.exchange()
        assert (answer.status, answer.json["code"]) == (403, "inactive_user")
        assert ci.api.request("GET", "/me", token=token).status == 403

    def test_a_changed_rule_changes_the_rights_of_its_tokens(self, ci: Ci) -> None:
        token = ci.exchanged()
        rules = [{**RULES[0], "grants": [{"pattern": "etl*", "role": "viewer"}]}]
        settings = ci.api.app.extensions["mainspring"].settings
        object.__setattr__(settings, "exchange_rules", parse_exchange_rules(rules))
        ci.exchanged()
        ci.api.put("/dags/etl", {"tasks": {"a": SHELL}}, 403, token=token)

    def test_the_database_holds_no_token(self, sqlite_ci: Ci) -> None:
        shown = sqlite_ci.token()
        token = sqlite_ci.exchange(shown).json["access_token"]
        dump = sqlite_ci.api.database.sqlite_path.read_bytes()
        for secret in (token, shown, token.split(".")[2], shown.split(".")[2]):
            assert secret.encode() not in dump


class TestRefusals:
    @pytest.mark.parametrize(
        ("claims", "status", "code", "detail"),
        [
            pytest.param({"exp": 1}, 401, "token_expired", "has expired, at 1970-01-01", id="expired"),
            pytest.param({"nbf": 2**33}, 400, "invalid_oidc_token", "not valid yet: `nbf`", id="not valid yet"),
            pytest.param({"aud": "sts"}, 400, "other_audience", f"for sts, not for '{AUDIENCE}'", id="audience"),
            pytest.param(
                {"iss": "https://gitlab.com"}, 400, "other_issuer", "the issuer 'https://gitlab.com'", id="issuer"
            ),
            pytest.param(
                {"repository": "evil/flows"},
                403,
                "no_exchange_rule",
                "which has repository='evil/flows', ref='refs/heads/main'",
                id="other repository",
            ),
            pytest.param({"repository": None}, 403, "no_exchange_rule", "repository='None'", id="no repository"),
        ],
    )
    def test_tokens(self, sqlite_ci: Ci, claims: dict[str, Any], status: int, code: str, detail: str) -> None:
        answer = sqlite_ci.exchange(sqlite_ci.token(**claims))
        assert (answer.status, answer.json["code"]) == (status, code)
        assert detail in answer.json["detail"]
        assert (answer.json["error"], answer.json["error_description"]) == ("invalid_request", answer.json["detail"])
        # Who can get a token of a public issuer must not learn which repository is trusted.
        assert "acme" not in answer.json["detail"]
        (event,) = [
            event
            for event in list_events(sqlite_ci.api.database, ListQuery(order_by=(), limit=9, offset=0)).rows
            if event["outcome"] == "refused"
        ]
        assert detail in event["extra"]["reason"]

    def test_a_token_is_exchanged_once(self, ci: Ci) -> None:
        for token in (ci.token(), ci.token(jti=None)):
            assert ci.exchange(token).status == 200
            answer = ci.exchange(token)
            assert (answer.status, answer.json["code"]) == (400, "token_replayed")
            assert "each token is good for one exchange" in answer.json["detail"]
        with ci.api.database.read() as connection:
            assert len(connection.execute(select(used_token)).all()) == 2

    def test_a_token_that_was_refused_is_not_used_up(self, ci: Ci) -> None:
        token = ci.token()
        ci.exchanged()
        ci.api.patch("/users/ci:main", {"is_active": False})
        assert ci.exchange(token).status == 403
        ci.api.patch("/users/ci:main", {"is_active": True})
        assert ci.exchange(token).status == 200

    @pytest.mark.parametrize(
        ("form", "code"),
        [
            pytest.param({"grant_type": None}, "bad_request", id="no grant type"),
            pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="another grant type"),
            pytest.param({"subject_token": None}, "bad_request", id="no token"),
            pytest.param({"subject_token": "ms_x"}, "invalid_oidc_token", id="no JWT"),
            pytest.param({"subject_token_type": None}, "bad_request", id="no type"),
            pytest.param({"subject_token_type": ACCESS_TOKEN}, "bad_request", id="another type"),
            pytest.param({"requested_token_type": JWT}, "bad_request", id="another token is wanted"),
        ],
    )
    def test_forms(self, sqlite_ci: Ci, form: dict[str, Any], code: str) -> None:
        answer = sqlite_ci.exchange("x", **form)
        assert (answer.status, answer.json["code"]) == (400, code)
        error = code if code == "unsupported_grant_type" else "invalid_request"
        assert answer.json["error"] == error

    def test_a_body_that_is_no_form(self, sqlite_ci: Ci) -> None:
        answer = sqlite_ci.api.request("POST", "/auth/token/exchange", token=None, json={})
        assert (answer.status, "must be a form" in answer.json["detail"]) == (400, True)

    def test_a_token_of_a_login_is_no_token_of_a_pipeline(self, sqlite_ci: Ci) -> None:
        assert sqlite_ci.exchange(sqlite_ci.exchanged()).json["code"] == "invalid_oidc_token"

    def test_without_rules_no_token_is_taken(self, sqlite_api: Api) -> None:
        answer = Ci(sqlite_api).exchange()
        assert (answer.status, answer.json["code"]) == (400, "other_issuer")

    def test_failed_exchanges_of_an_address_are_limited(self, sqlite_ci: Ci) -> None:
        statuses = [sqlite_ci.exchange("x").status for _ in range(31)]
        assert statuses == [400] * 30 + [429]

    def test_an_issuer_that_is_away(self, sqlite_ci: Ci) -> None:
        sqlite_ci.issuer.is_away = True
        answer = sqlite_ci.exchange()
        assert (answer.status, answer.json["code"], answer.headers["Retry-After"]) == (
            503,
            "identity_provider_unavailable",
            "10",
        )
