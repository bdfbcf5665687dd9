"""The settings of the API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from mainspring.identity_rules import ExchangeRule, GroupRights
from mainspring.quotas import Quotas

__all__ = ["BODY_BYTES_MAX", "DEFINITION_BYTES_MAX", "STATEMENT_SECONDS_MAX", "ApiSettings"]

BODY_BYTES_MAX = 1024 * 1024
DEFINITION_BYTES_MAX = 2 * 1024 * 1024
STATEMENT_SECONDS_MAX = 10.0
"""What a request, or a call of a worker, may take in one statement of PostgreSQL."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstUser:
    """The administrator of a new instance."""

    name: str
    """Matches `USER_NAME`."""
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class OidcSettings:
    """The identity provider that people log in with."""

    issuer: str
    """As its tokens name it."""
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    """`None` = a public client, which PKCE alone protects."""
    public_url: str
    """Address of this server for browsers; the redirect URI is made from it, never from a request."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    label: str = "OpenID Connect"
    """Name of the provider, for the button of the page."""
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    """The name of a claim, or a path of names with dots."""
    groups: Mapping[str, GroupRights]
    """What people in a group may do."""
    required_groups: tuple[str, ...] = ()
    """A person needs one of them; empty = one of `groups`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiSettings:
    """Read once by `create_app`."""

    database_url: str = field(repr=False)
    home: Path
    """Folder with the admin token and the signing key; made private files are put there."""
    log_store: str | None = field(default=None, repr=False)
    """Where logs of ended tries lie, see `open_log_store`; None = in the database."""
    secret_keys: tuple[str, ...] = field(default=(), repr=False)
    """Keys that secrets are encrypted with, newest first; empty = a file in the home folder, made when needed."""
    executors: tuple[str, ...] = ("thread", "local", "rq")
    """Those that tasks may ask for: what the schedulers offer."""
    version: str
    """Of Mainspring, as `/version` tells it."""
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    """Names in the Host header that are answered, in lower case, without port."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and CIDR ranges of proxies whose `X-Forwarded-For` is believed."""
    is_admin_token_given: bool = False
    """The admin token in `home` is the one of the settings: those that were given before are revoked."""
    first_user: FirstUser | None = None
    """An administrator that is made at the start while there is no user."""
    oidc: OidcSettings | None = None
    """`None` = there is no identity provider."""
    exchange_rules: tuple[ExchangeRule, ...] = ()
    """Tokens of pipelines that are exchanged; the first rule that holds counts."""
    writes_per_second_max: float = 200.0
    """Of one user or token, in all processes together, on average; ten seconds' worth may come at once."""
    quotas: Quotas = field(default_factory=Quotas)
    """Quotas of each user, and of each token without a user."""
    ui_name: str = "Mainspring"
    """Name of this installation, shown by the page before the login too."""
    ui_banner: str | None = None
    """Sentence that the page shows to users above all; `None` = no banner."""
    ui_timezone: str | None = None
    """IANA zone that the page shows instants in by default; `None` = the zone of the browser."""
    streams_max: int = 2048
    """Streams of events, of this process."""
    streams_per_principal_max: int | None = None
    """Of one user or token; `None` = a quarter of all."""
    log_waits_max: int = 16
    """Requests of this process that hold a thread until a log has a new line; a principal may have half of them."""
    waits_max: int = 2048
    """Requests that wait for a run or for events, of this process."""
    waits_per_principal_max: int | None = None
    """Of one user or token; `None` = a quarter of all."""
    events_kept: timedelta = timedelta(days=7)
    """For how long a client can resume the event feed. The events of a run are kept as long as the run."""
    http_allow: tuple[str, ...] = ()
    """Private addresses that webhooks may have, see `AddressPolicy`."""
    callback_allow: tuple[str, ...] = ()
    """Hosts that callbacks of triggers may have, see `HostList`; empty = no trigger may have a callback."""
    connections_max: int = 16
    """To the database, of this process. A request holds one for about a millisecond, a wait holds none."""
    synchronous: str = "FULL"
    """SQLite only, see `open_database`."""
    security_facts: Mapping[str, str] | None = None
    """The protection of this service, from its settings: the members of `SecurityFacts`, for administrators."""
    wait_seconds_max: float = 3600.0
    """A wait answers the present state after this time at the latest."""

    @property
    def issuers(self) -> tuple[str, ...]:
        """The issuers whose tokens are read."""
        of_people = () if self.oidc is None else (self.oidc.issuer,)
        return tuple(dict.fromkeys((*of_people, *(rule.issuer for rule in self.exchange_rules))))
