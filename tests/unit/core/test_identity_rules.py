"""Rights of groups and rules of the exchange, as the settings write them."""

import json
from typing import Any

import pytest

from mainspring.identity_rules import (
    ROLES,
    GroupRights,
    check_issuer,
    json_text,
    parse_exchange_rules,
    parse_group_rights,
    rights_of_groups,
)
from mainspring_store.access.roles import Role

RULE = {
    "name": "github",
    "issuer": "https://token.actions.githubusercontent.com",
    "audience": "https://flows.example.test",
    "claims": {"repository": "acme/flows", "ref": ["refs/heads/main", "refs/tags/v*"]},
    "grants": [{"pattern": "etl*", "role": "operator"}],
}


def test_the_roles_are_those_of_the_store() -> None:
    assert tuple(role.value for role in Role) == ROLES


def test_of_several_groups_the_higher_role_counts() -> None:
    rights = parse_group_rights(
        {
            "*": {"grants": [{"pattern": "public.*", "role": "viewer"}]},
            "data": {"role": "viewer", "grants": [{"pattern": "etl*", "role": "author"}]},
            "ops": {"role": "operator", "grants": [{"pattern": "etl*", "role": "viewer"}]},
        }
    )
    assert rights_of_groups(rights, ["ops", "data", "unknown"]) == GroupRights(
        role="operator", grants={"public.*": "viewer", "etl*": "author"}
    )
    assert rights_of_groups(rights, []) == GroupRights(grants={"public.*": "viewer"})
    assert rights_of_groups({"ops": rights["ops"]}, ["data"]).is_empty


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param({}, "one group or more", id="empty"),
        pytest.param([], "must be an object", id="a list"),
        pytest.param({"a": {"role": "boss"}}, "group 'a': `role` must be one of: viewer, operator", id="role"),
        pytest.param({"a": {}}, "group 'a': needs a `role`, or `grants`", id="no rights"),
        pytest.param({"a": {"rolle": "viewer"}}, "no member 'rolle'", id="a member that there is not"),
        pytest.param({"a": {"grants": [{"pattern": "x y", "role": "viewer"}]}}, "pattern 'x y'", id="pattern"),
        pytest.param({"a": {"grants": [{"pattern": "x", "role": "admin"}]}}, "role of a grant", id="admin of a DAG"),
        pytest.param({"a": {"grants": {"x": "viewer"}}}, "`grants` must be a list", id="grants"),
        pytest.param({"a": "viewer"}, "must be an object", id="a role alone"),
        pytest.param({"": {"role": "viewer"}}, "a group must be a text", id="no name"),
    ],
)
def test_rights_that_cannot_be(document: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        parse_group_rights(document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"name": "a b"}, "rule 1: `name`", id="name"),
        pytest.param({"issuer": "http://gitlab.example.test"}, "rule 'github': must be an address", id="no TLS"),
        pytest.param({"audience": ""}, "`audience` must be a text", id="audience"),
        pytest.param({"claims": {}}, "must name a claim or more", id="no claims"),
        pytest.param({"claims": {"repository": "*"}}, "fits every token", id="any token"),
        pytest.param({"claims": {"repository": ["acme/x", "**"]}}, "fits every token", id="any token in a list"),
        pytest.param({"claims": {"ref": 1}}, "claim 'ref' must be a text", id="a number"),
        pytest.param({"lifetime_seconds": 3601}, "from 60 to 3600", id="too long"),
        pytest.param({"lifetime_seconds": True}, "from 60 to 3600", id="no number"),
        pytest.param({"role": "admin"}, "`role` must be one of: viewer, operator, author", id="admin"),
        pytest.param({"grants": []}, "needs a `role`, or `grants`", id="no rights"),
        pytest.param({"lifetime": 60}, "no member 'lifetime'", id="a member that there is not"),
    ],
)
def test_rules_that_cannot_be(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_exchange_rules([RULE | change])


def test_rules_have_different_names() -> None:
    with pytest.raises(ValueError, match="two rules have the name 'github'"):
        parse_exchange_rules([RULE, RULE])


@pytest.mark.parametrize(
    ("claims", "mismatch"),
    [
        pytest.param({"repository": "acme/flows", "ref": "refs/heads/main"}, None, id="exact"),
        pytest.param({"repository": "acme/flows", "ref": "refs/tags/v1.2"}, None, id="pattern"),
        pytest.param({"repository": "acme/flows", "ref": "refs/heads/mainX"}, "ref", id="longer"),
        pytest.param({"repository": "evil/acme/flows", "ref": "refs/heads/main"}, "repository", id="prefixed"),
        pytest.param({"repository": "ACME/flows", "ref": "refs/heads/main"}, "repository", id="other case"),
        pytest.param({"repository": "acme/flows"}, "ref", id="absent"),
        pytest.param({"repository": ["acme/flows"], "ref": "refs/heads/main"}, "repository", id="a list"),
        pytest.param({"repository": "acme/flows\n", "ref": "refs/heads/main"}, "repository", id="a line more"),
    ],
)
def test_what_a_rule_allows(claims: dict[str, Any], mismatch: str | None) -> None:
    assert parse_exchange_rules([RULE])[0].mismatch(claims) == mismatch


def test_characters_of_patterns_stand_for_themselves() -> None:
    (rule,) = parse_exchange_rules([RULE | {"claims": {"repository": "acme/a.b[c]*", "protected": "true"}}])
    assert rule.mismatch({"repository": "acme/a.b[c]d", "protected": True}) is None
    assert rule.mismatch({"repository": "acme/aXb[c]d", "protected": True}) == "repository"
    assert rule.mismatch({"repository": "acme/a.b[c]d", "protected": False}) == "protected"


@pytest.mark.parametrize(
    "issuer",
    ["https://login.example.test", "https://login.example.test:8443/realms/x/", "http://localhost:80", "http://[::1]"],
)
def test_issuers(issuer: str) -> None:
    assert check_issuer(issuer) == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        *("http://login.example.test", "ftp://x", "https://", "https://a@b", "https://x?y", "https://x#y", "login"),
        *("http://localhost.evil.test", "https://x y", "https://[", "https://x:99999"),
    ],
)
def test_what_is_no_issuer(issuer: str) -> None:
    with pytest.raises(ValueError, match="must be an address"):
        check_issuer(issuer)


def test_a_table_and_its_json_are_the_same_setting() -> None:
    assert json.loads(json_text([RULE])) == json.loads(json_text(json.dumps([RULE])))
    with pytest.raises(ValueError, match="must be JSON"):
        json_text("{")
