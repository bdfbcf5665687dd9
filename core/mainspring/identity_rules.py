"""Rights of people and pipelines with a token of an identity provider: `oidc_groups` and `token_exchange`. Pure.

Both are data: a table of the TOML file, or JSON.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

__all__ = [
    "DAG_PATTERN",
    "EVERYBODY",
    "ROLES",
    "ExchangeRule",
    "GroupRights",
    "check_issuer",
    "json_text",
    "parse_exchange_rules",
    "parse_group_rights",
    "rights_of_groups",
]

ROLES = ("viewer", "operator", "author", "admin")
"""Each includes those before it."""
DAG_PATTERN = re.compile(r"[A-Za-z0-9_.~:+-]{0,249}\*|[A-Za-z0-9_.~:+-]{1,250}", re.ASCII)
"""A `dag_id`, or a prefix followed by `*`."""
EVERYBODY = "*"
"""In place of a group: the rights of everybody who may log in."""
LIFETIME_SECONDS = 900
LIFETIME_SECONDS_MIN, LIFETIME_SECONDS_MAX = 60, 3600
_TEXT_CHARS_MAX = 500
_ENTRIES_MAX = 1000
_GRANTS_MAX = 100
_RULE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}", re.ASCII)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupRights:
    """The rights of a group, of several groups, or of a rule."""

    role: str | None = None
    """For the whole server; `None` = the grants only."""
    grants: Mapping[str, str] = field(default_factory=dict)
    """Pattern of DAG ids -> role."""

    def __or__(self, other: "GroupRights") -> "GroupRights":
        """Both together: of two roles over the same DAGs the higher."""
        grants = dict(self.grants)
        for pattern, role in other.grants.items():
            grants[pattern] = _higher(grants.get(pattern), role) or role
        return GroupRights(role=_higher(self.role, other.role), grants=grants)

    @property
    def is_empty(self) -> bool:
        return self.role is None and not self.grants


@dataclass(frozen=True, kw_only=True, slots=True)
class ExchangeRule:
    """Which tokens of an issuer are exchanged, and what the token of the server may do then."""

    name: str
    issuer: str
    audience: str
    claims: Mapping[str, tuple[str, ...]]
    """Claim -> texts of which the claim must match one; `*` in a text stands for any characters. Not empty."""
    rights: GroupRights
    lifetime: timedelta

    def mismatch(self, claims: Mapping[str, Any]) -> str | None:
        """The first claim that the rule does not allow; `None` = the rule holds."""
        return next((name for name, texts in self.claims.items() if not _is_one_of(claims.get(name), texts)), None)


def rights_of_groups(rights: Mapping[str, GroupRights], groups: Sequence[str]) -> GroupRights:
    """What a person in these groups may do; empty = nothing."""
    together = GroupRights()
    for group in (EVERYBODY, *dict.fromkeys(groups)):
        if group in rights:
            together |= rights[group]
    return together


def check_issuer(text: str) -> str:
    """An issuer as its tokens name it. Raises ValueError unless it is `https`, or on this machine."""
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise ValueError("must be an address like https://login.example.test") from None
    is_allowed = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    if not is_allowed or not host or port == 0 or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be an address like https://login.example.test: with https, without a query")
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > _TEXT_CHARS_MAX:
        raise ValueError(f"must be an address of at most {_TEXT_CHARS_MAX} characters, without spaces")
    return text


def json_text(raw: Any) -> str:
    """The setting as JSON, from JSON or from a table of the TOML file. Raises ValueError."""
    if not isinstance(raw, str):
        return json.dumps(raw)
    try:
        json.loads(raw)
    except ValueError as exc:
        raise ValueError(f"must be JSON: {exc}") from None
    return raw


def parse_group_rights(document: Any) -> Mapping[str, GroupRights]:
    """Group -> rights, from `{"GROUP": {"role": ..., "grants": [{"pattern": ..., "role": ...}]}}`.

    Raises:
        ValueError: Names the place and the cure.
    """
    if not isinstance(document, dict) or not 1 <= len(document) <= _ENTRIES_MAX:
        raise ValueError('must be an object like {"data-team": {"role": "author"}}, with one group or more')
    return {_text(name, "a group"): _rights(rule, f"group {name!r}", ROLES, ()) for name, rule in document.items()}


def parse_exchange_rules(document: Any) -> tuple[ExchangeRule, ...]:
    """The rules in order; the first that holds counts. Raises ValueError, which names the rule and the cure."""
    if not isinstance(document, list) or not 1 <= len(document) <= _ENTRIES_MAX:
        raise ValueError('must be a list of rules like {"name": ..., "issuer": ..., "audience": ..., "claims": {...}}')
    rules = tuple(_exchange_rule(rule, number) for number, rule in enumerate(document, start=1))
    names = [rule.name for rule in rules]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"two rules have the name {twice!r}")
    return rules


def _exchange_rule(rule: Any, number: int) -> ExchangeRule:
    name = rule.get("name") if isinstance(rule, dict) else None
    if not isinstance(name, str) or not _RULE_NAME.fullmatch(name):
        raise ValueError(f"rule {number}: `name` must be 1 to 100 of the characters A-Z a-z 0-9 _ . -")
    place = f"rule {name!r}"
    try:
        issuer = check_issuer(_text(rule.get("issuer"), "`issuer`"))
        audience = _text(rule.get("audience"), "`audience`")
    except ValueError as exc:
        raise ValueError(f"{place}: {exc}") from None
    seconds = rule.get("lifetime_seconds", LIFETIME_SECONDS)
    is_number = isinstance(seconds, int) and not isinstance(seconds, bool)
    if not is_number or not LIFETIME_SECONDS_MIN <= seconds <= LIFETIME_SECONDS_MAX:
        bounds = f"{LIFETIME_SECONDS_MIN} to {LIFETIME_SECONDS_MAX}"
        raise ValueError(f"{place}: `lifetime_seconds` must be a whole number from {bounds}")
    own = ("name", "issuer", "audience", "claims", "lifetime_seconds")
    # A token that manages users could make itself one without an end.
    rights = _rights(rule, place, ROLES[:-1], own)
    return ExchangeRule(
        name=name,
        issuer=issuer,
        audience=audience,
        claims=_claims(rule.get("claims"), place),
        rights=rights,
        lifetime=timedelta(seconds=seconds),
    )


def _claims(document: Any, place: str) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(document, dict) or not document:
        raise ValueError(f'{place}: `claims` must name a claim or more, like {{"repository": "acme/flows"}}')
    claims = {}
    for name, texts in document.items():
        listed = [texts] if isinstance(texts, str) else texts
        if not isinstance(listed, list) or not listed or not all(isinstance(text, str) and text for text in listed):
            raise ValueError(f"{place}: claim {name!r} must be a text, or a list of texts")
        claims[name] = tuple(listed)
    # Everybody can get a token of a public issuer: a rule that any token fits would let everybody in.
    if all("" in {text.strip("*") for text in texts} for texts in claims.values()):
        raise ValueError(f"{place}: `claims` fits every token of the issuer; name a repository or a project")
    return claims


def _rights(document: Any, place: str, roles: Sequence[str], own: Sequence[str]) -> GroupRights:
    """own: further members that the document may have."""
    if not isinstance(document, dict):
        raise ValueError(f"{place}: must be an object with `role`, `grants` or both")
    unknown = next((name for name in document if name not in ("role", "grants", *own)), None)
    if unknown is not None:
        known = ", ".join(f"`{name}`" for name in (*own, "role", "grants"))
        raise ValueError(f"{place}: there is no member {unknown!r}; members: {known}")
    role, grants = document.get("role"), document.get("grants", [])
    if role is not None and role not in roles:
        raise ValueError(f"{place}: `role` must be one of: {', '.join(roles)}")
    if not isinstance(grants, list) or len(grants) > _GRANTS_MAX:
        raise ValueError(f"{place}: `grants` must be a list of at most {_GRANTS_MAX}")
    rights = GroupRights(role=role)
    for grant in grants:
        rights |= GroupRights(grants=_grant(grant, place))
    if rights.is_empty:
        raise ValueError(f"{place}: needs a `role`, or `grants`")
    return rights


def _grant(document: Any, place: str) -> dict[str, str]:
    if not isinstance(document, dict) or document.keys() != {"pattern", "role"}:
        raise ValueError(f'{place}: a grant must be like {{"pattern": "team_a.*", "role": "author"}}')
    pattern, role = document["pattern"], document["role"]
    if not isinstance(pattern, str) or not DAG_PATTERN.fullmatch(pattern):
        raise ValueError(f"{place}: the pattern {pattern!r} must be a dag_id, or a beginning and `*`")
    if role not in ROLES[:-1]:
        raise ValueError(f"{place}: the role of a grant must be one of: {', '.join(ROLES[:-1])}")
    return {pattern: role}


def _text(raw: Any, what: str) -> str:
    if not isinstance(raw, str) or not raw or len(raw) > _TEXT_CHARS_MAX or "\0" in raw:
        raise ValueError(f"{what} must be a text of 1 to {_TEXT_CHARS_MAX} characters")
    return raw


def _is_one_of(value: Any, texts: Sequence[str]) -> bool:
    if isinstance(value, bool):
        value = "true" if value else "false"
    if not isinstance(value, str | int):
        return False
    return any(_glob(text).fullmatch(str(value)) for text in texts)


def _glob(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in re.split(r"\*+", text)), re.DOTALL)


def _higher(first: str | None, second: str | None) -> str | None:
    return max((role for role in (first, second) if role is not None), key=ROLES.index, default=None)
