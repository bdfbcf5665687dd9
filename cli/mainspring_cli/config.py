"""Settings: the origin of each value, and the allowed values.

Later sources win: defaults, the TOML file, `MAINSPRING_<NAME>` in the environment, flags. A secret may be in
a file of its own, which `MAINSPRING_<NAME>_FILE` names. Read once at start and passed on; nothing reads the environment
afterwards.
"""

import difflib
import hashlib
import ipaddress
import json
import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mainspring.errors import MainspringError
from mainspring.identity_rules import (
    EVERYBODY,
    ExchangeRule,
    GroupRights,
    check_issuer,
    json_text,
    parse_exchange_rules,
    parse_group_rights,
)
from mainspring.quotas import Quotas
from mainspring.retention import RetentionSettings, parse_lifetime
from mainspring.user_names import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, USER_NAME, USER_NAME_RULE

__all__ = [
    "Config",
    "ConfigError",
    "Resolved",
    "check_execution_exposure",
    "check_exposure",
    "check_identity",
    "is_loopback",
    "load_config",
    "secret_file_variables",
]

_ENVIRONMENT_PREFIX = "MAINSPRING_"
_CONFIG_FILE = "mainspring.toml"
_LOOPBACK_NETWORKS = ("127.0.0.0/8", "::1")
_HOST_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?|\[[0-9a-f:.]{2,45}\]")
_SECRET_CHARS_MIN, _SECRET_DIFFERENT_MIN = 16, 8
"""Bounds of a secret that other machines may try to guess."""


class ConfigError(MainspringError):
    """Settings that Mainspring refuses to start with; every fault, each in a line."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def _text(raw: Any) -> str:
    if not isinstance(raw, str) or not raw:
        raise ValueError("must be a text that is not empty")
    return raw


def _user_name(raw: Any) -> str:
    if not USER_NAME.fullmatch(_text(raw)):
        raise ValueError(USER_NAME_RULE)
    return str(raw)


def _password(raw: Any) -> str:
    if not PASSWORD_CHARS_MIN <= len(_text(raw)) <= PASSWORD_CHARS_MAX:
        raise ValueError(f"must have {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters")
    return str(raw)


def _path(raw: Any) -> Path:
    return Path(_text(raw)).expanduser().absolute()


def _paths(raw: Any) -> tuple[Path, ...]:
    items = raw.split(os.pathsep) if isinstance(raw, str) else raw
    return tuple(_path(item) for item in items if item)


def _words(raw: Any) -> tuple[str, ...]:
    items = raw.split(",") if isinstance(raw, str) else raw
    return tuple(_text(item).strip() for item in items if item)


def _host_names(raw: Any) -> tuple[str, ...]:
    """Names as they stand in the Host header before its port, in lower case."""
    words = tuple(word.lower() for word in _words(raw))
    for word in words:
        if not _HOST_NAME.fullmatch(word):
            raise ValueError(f"must be names like flows.example.test, not {word!r}: no scheme, no port, no path")
    return words


def _executors(raw: Any) -> tuple[str, ...]:
    names = _words(raw)
    if not names or len(set(names)) < len(names):
        raise ValueError("must name one executor or more, each once")
    return names


def _networks(raw: Any) -> tuple[str, ...]:
    words = _words(raw)
    for word in words:
        try:
            ipaddress.ip_network(word)
        except ValueError:
            raise ValueError("must be addresses, or ranges like 10.0.0.0/8, comma separated") from None
    return words


def _fernet_keys(raw: Any) -> tuple[str, ...]:
    keys = _words(raw)
    for key in keys:
        if not re.fullmatch(r"[A-Za-z0-9_-]{43}=", key):
            raise ValueError("must be keys of 32 bytes, each as 44 characters of URL-safe base64")
    return keys


def _zone(raw: Any) -> str:
    name = _text(raw)
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError("must be an IANA zone like Asia/Seoul") from None
    return name


def _page_url(raw: Any) -> str:
    url = _text(raw).rstrip("/")
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#@]*)?", url):
        raise ValueError("must be an address like https://mainspring.example.test, without a query")
    return url


def _issuer(raw: Any) -> str:
    return check_issuer(_text(raw))


def _group_rights(raw: Any) -> str:
    text = json_text(raw)
    parse_group_rights(json.loads(text))
    return text


def _exchange_rules(raw: Any) -> str:
    text = json_text(raw)
    parse_exchange_rules(json.loads(text))
    return text


def _worker_tokens(raw: Any) -> tuple[str, ...]:
    tokens = _words(raw)
    for token in tokens:
        if not re.fullmatch(r"(?:[A-Za-z0-9_.-]{1,250}:)?[^:]+", token):
            raise ValueError("must be tokens, or QUEUE:TOKEN, comma separated")
    return tokens


def _flag(raw: Any) -> bool:
    spellings = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    try:
        return raw if isinstance(raw, bool) else spellings[raw.lower()]
    except (KeyError, AttributeError):
        raise ValueError("must be true or false") from None


def _whole_number(least: int, most: int) -> Callable[[Any], int]:
    def parse(raw: Any) -> int:
        if isinstance(raw, str) and raw.isascii() and raw.isdigit():
            raw = int(raw)
        if not isinstance(raw, int) or isinstance(raw, bool) or not least <= raw <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return raw

    return parse


def _lifetime(raw: Any) -> str:
    parse_lifetime(_text(raw))
    return str(raw)


def _log_store(raw: Any) -> str:
    text = _text(raw)
    return text if text.partition("://")[0] in ("s3", "gs", "az") and "://" in text else str(_path(text))


_any_number = _whole_number(0, 10**18)
_QUOTAS = Quotas()


def _one_of(*choices: str) -> Callable[[Any], str]:
    def parse(raw: Any) -> str:
        if raw not in choices:
            raise ValueError(f"must be one of: {', '.join(choices)}")
        return str(raw)

    return parse


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """Every setting of the services. The file and the flags use these names; see `load_config`."""

    home: Path = field(default=Path(".mainspring"), metadata={"parse": _path})
    """Folder of what is kept: the SQLite database, the admin token, the file `mainspring.toml`. Made with mode 0700."""
    database_url: str | None = field(default=None, metadata={"parse": _text, "is_secret": True})
    """`sqlite:///...` or `postgresql://...`; `None` = a SQLite file in `home`."""
    migrator_database_url: str | None = field(default=None, metadata={"parse": _text, "is_secret": True})
    """The same PostgreSQL database with the role of the table owner. For `mainspring db upgrade` alone, which then lets
    the role of `database_url` use the tables; `None` = that role owns them."""
    host: str = field(default="127.0.0.1", metadata={"parse": _text})
    """Address the API listens on. Other than loopback demands `admin_token`, and TLS or `behind_proxy`."""
    port: int = field(default=8080, metadata={"parse": _whole_number(0, 65535)})
    """TCP port of the API; 0 takes a free one."""
    admin_token: str | None = field(default=None, metadata={"parse": _text, "is_secret": True})
    """Bearer token of the administrator; `None` = one is made at the first start, in `home`."""
    admin_user: str | None = field(default=None, metadata={"parse": _user_name})
    """Name of the first user, an administrator. The API makes the user at its start while there is no user, with
    `admin_password`; later starts change nothing."""
    admin_password: str | None = field(default=None, metadata={"parse": _password, "is_secret": True})
    """Password of the first user, at least 8 characters. It counts only while there is no user."""
    secret_keys: tuple[str, ...] = field(default=(), metadata={"parse": _fernet_keys, "is_secret": True})
    """Keys that secrets are encrypted with: 32 bytes in URL-safe base64 each, newest first, comma separated; all are
    tried to decrypt. Empty = the first use makes a value in `home`."""
    allowed_hosts: tuple[str, ...] = field(default=(), metadata={"parse": _host_names})
    """Names that clients may put in the Host header, in addition to loopback names and `host`."""
    behind_proxy: bool = field(default=False, metadata={"parse": _flag})
    """A proxy that ends TLS stands before the API."""
    trusted_proxies: tuple[str, ...] = field(default=(), metadata={"parse": _networks})
    """Addresses and CIDR ranges of the proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed, comma
    separated; empty = loopback when `behind_proxy` is set, else no address."""
    tls_certificate: Path | None = field(default=None, metadata={"parse": _path})
    tls_key: Path | None = field(default=None, metadata={"parse": _path})
    ui_name: str = field(default="Mainspring", metadata={"parse": _text})
    """Name of this installation: the page shows the name to everybody."""
    ui_banner: str | None = field(default=None, metadata={"parse": _text})
    """Sentence that the page shows above all to users; `None` = no banner."""
    ui_timezone: str | None = field(default=None, metadata={"parse": _zone})
    """IANA zone in which the page shows instants unless the user chooses another zone; `None` = the browser's zone."""
    api_threads: int = field(default=64, metadata={"parse": _whole_number(2, 1024)})
    """Requests in work at once, of each API process."""
    streams_max: int | None = field(default=None, metadata={"parse": _whole_number(1, 100_000)})
    """Streams of events at once, of each API process; `None` = a number that fits the limit of descriptors."""
    streams_per_user_max: int | None = field(default=None, metadata={"parse": _whole_number(1, 100_000)})
    """Of one user or token; `None` = a quarter of all."""
    waits_max: int | None = field(default=None, metadata={"parse": _whole_number(1, 100_000)})
    """Requests that wait for a run or for events, of each API process; `None` = as for `streams_max`."""
    waits_per_user_max: int | None = field(default=None, metadata={"parse": _whole_number(1, 100_000)})
    """Of one user or token; `None` = a quarter of all."""
    events_kept_days: int = field(default=7, metadata={"parse": _whole_number(1, 3650)})
    """For how long clients can resume the event feed. The events of a run are kept as long as the run."""
    api_processes: int | None = field(default=None, metadata={"parse": _whole_number(1, 64)})
    """`None` = 1 on SQLite, 2 on PostgreSQL."""
    quota_dags: int = field(default=_QUOTAS.dags, metadata={"parse": _any_number})
    """DAGs that a user, or a token without a user, may have created; here and below 0 = any number."""
    quota_active_runs: int = field(default=_QUOTAS.active_runs, metadata={"parse": _any_number})
    """Queued and running runs of a user."""
    quota_active_tasks: int = field(default=_QUOTAS.active_tasks, metadata={"parse": _any_number})
    """Unfinished task instances of these runs."""
    quota_log_bytes: int = field(default=_QUOTAS.log_bytes, metadata={"parse": _any_number})
    """Stored log of the runs of a user; with more, no new runs."""
    quota_run_bytes: int = field(default=_QUOTAS.run_bytes, metadata={"parse": _any_number})
    """What the runs of a user take in the database without their log; with more, no new runs."""
    quota_definition_bytes: int = field(default=_QUOTAS.definition_bytes, metadata={"parse": _any_number})
    """Bytes of all versions of DAGs that the user saved."""
    quota_secrets: int = field(default=_QUOTAS.secrets, metadata={"parse": _any_number})
    quota_connections: int = field(default=_QUOTAS.connections, metadata={"parse": _any_number})
    quota_variables: int = field(default=_QUOTAS.variables, metadata={"parse": _any_number})
    """Created by one user, of each."""
    retention: str = field(default="auto", metadata={"parse": _one_of("auto", "on", "off")})
    """`auto`: the defaults below hold on a new instance; an upgraded instance deletes nothing without a setting. `on`:
    the defaults hold on every instance. `off`: the scheduler deletes nothing."""
    retention_runs: str | None = field(default=None, metadata={"parse": _lifetime})
    """Lifetime of ended runs with their logs and outputs: `90d`, or `forever`. `None` = the default of the instance,
    `180d`."""
    retention_failed_runs: str | None = field(default=None, metadata={"parse": _lifetime})
    """Lifetime of failed runs. `None` = the default of the instance, `365d`."""
    retention_keep_last: int | None = field(default=None, metadata={"parse": _whole_number(1, 1_000_000)})
    """The number of latest ended runs of each DAG that stay. `None` = 100."""
    retention_runs_max: int | None = field(default=None, metadata={"parse": _whole_number(1, 1_000_000)})
    """The maximum of ended runs of each DAG. `None` = no maximum."""
    retention_versions: str | None = field(default=None, metadata={"parse": _lifetime})
    """Lifetime of old versions without runs. `None` = the default of the instance, `365d`."""
    retention_services: str | None = field(default=None, metadata={"parse": _lifetime})
    """Lifetime of the rows of ended processes. `None` = the default of the instance, `30d`."""
    retention_audit: str | None = field(default=None, metadata={"parse": _lifetime})
    """Lifetime of audit events. `None` = `forever`."""
    retention_archive: Path | None = field(default=None, metadata={"parse": _path})
    """Folder that gets runs with their tries and events as NDJSON before they are pruned; `None` = no archive."""
    log_store: str | None = field(default=None, metadata={"parse": _log_store})
    """Where logs of ended tries go: the path of a folder, or `s3://`, `gs://`, `az://` with bucket and prefix; `None` =
    they stay in the database. The API and all schedulers are given the same."""
    executor: tuple[str, ...] = field(default=("thread",), metadata={"parse": _executors})
    """`thread`, `local`, `rq`, or names that installed packages registered, comma separated; the first carries out what
    asks for none. The API and all schedulers are given the same."""
    concurrency: int | None = field(default=None, metadata={"parse": _whole_number(1, 10_000)})
    """Tasks that run at once in each executor of this machine; `None` = a number that fits the machine."""
    checks_at_once: int = field(default=16, metadata={"parse": _whole_number(1, 10_000)})
    """Checks of waiting tasks that run at once in each executor, on all machines together. All schedulers are given the
    same."""
    stop_grace_seconds: int = field(default=10, metadata={"parse": _whole_number(0, 3600)})
    """Time for running tasks after the scheduler gets the signal to stop."""
    code_path: tuple[Path, ...] = field(default=(), metadata={"parse": _paths})
    """Folders that Python tasks import from. In the environment separated as in PATH."""
    task_user: str | None = field(default=None, metadata={"parse": _text})
    """The user of tasks on this machine. Only root can use this; `None` = the user of the service."""
    task_folder: Path | None = field(default=None, metadata={"parse": _path})
    """Where the private folders of tasks are made. `None` = `tasks` in the home folder, which only the service enters;
    with `task_user` a folder in the system's temporary folder."""
    http_allow: tuple[str, ...] = field(default=(), metadata={"parse": _words})
    """Private addresses that `http` tasks may reach: `host`, `host:port`, `CIDR`, `CIDR:port`; comma separated."""
    callback_allow: tuple[str, ...] = field(default=(), metadata={"parse": _words})
    """Hosts that the `callback` of a trigger may name: `host`, `host:port`, `*.domain`; comma separated. Empty = no
    trigger may have a callback. The API and all schedulers are given the same."""
    public_url: str | None = field(default=None, metadata={"parse": _page_url})
    """Address at which people reach the page, for links in webhooks and messages; `None` = no links."""
    oidc_issuer: str | None = field(default=None, metadata={"parse": _issuer})
    """Issuer of the identity provider that people log in with (OpenID Connect), as its discovery document names it;
    `None` = no provider. Needs `oidc_client_id`, `oidc_groups` and `public_url`."""
    oidc_client_id: str | None = field(default=None, metadata={"parse": _text})
    """Name of this server at the identity provider."""
    oidc_client_secret: str | None = field(default=None, metadata={"parse": _text, "is_secret": True})
    """Secret of this server at the identity provider; `None` = a public client, which PKCE alone protects."""
    oidc_name: str = field(default="OpenID Connect", metadata={"parse": _text})
    """Name of the identity provider, for the button of the page."""
    oidc_scopes: tuple[str, ...] = field(default=("openid", "profile", "email"), metadata={"parse": _words})
    """Scopes that a login asks for, comma separated."""
    oidc_name_claim: str = field(default="preferred_username", metadata={"parse": _text})
    """Claim with the name of a new user. Only a name: who a person is follows from issuer and subject."""
    oidc_groups_claim: str = field(default="groups", metadata={"parse": _text})
    """Claim with the groups of a person; dots lead into objects, as in `realm_access.roles`."""
    oidc_groups: str | None = field(default=None, metadata={"parse": _group_rights, "has_file": True})
    """Rights of groups: a table, or JSON like `{"data": {"role": "viewer", "grants": [{"pattern": "data.*", "role":
    "author"}]}}`. The group `*` is every person."""
    oidc_required_groups: tuple[str, ...] = field(default=(), metadata={"parse": _words})
    """Groups of which a person needs one to log in, comma separated; empty = one of `oidc_groups`."""
    token_exchange: str | None = field(default=None, metadata={"parse": _exchange_rules, "has_file": True})
    """Rules for tokens of CI systems: a list of tables, or JSON. `None` = no token is exchanged."""
    otlp_endpoint: str | None = field(default=None, metadata={"parse": _page_url})
    """Collector that gets a trace of each run by OTLP over HTTP, without `/v1/traces`; `None` = no traces. The API and
    all schedulers are given the same. Needs the extra `otel`."""
    redis_url: str | None = field(default=None, metadata={"parse": _text, "is_secret": True})
    """Where the `rq` executor and its workers meet: `redis://[user:password@]host:port/db`, `rediss://...`, `unix://...`,
    `redis+sentinel://...`."""
    worker_token: tuple[str, ...] = field(default=(), metadata={"parse": _worker_tokens, "is_secret": True})
    """Credentials at the execution API, comma separated: `TOKEN` for all queues, `QUEUE:TOKEN` for one queue. The
    execution API accepts each token, so that tokens can change one by one, or differ for each worker; a worker shows
    its first, without the queue. Empty = one is made in `home`."""
    execution_host: str = field(default="127.0.0.1", metadata={"parse": _text})
    """Address the execution API listens on. Other than loopback demands `worker_token`, and TLS or `behind_proxy`."""
    execution_port: int = field(default=8081, metadata={"parse": _whole_number(0, 65535)})
    """TCP port of the execution API; 0 takes a free one."""
    execution_url: str = field(default="http://127.0.0.1:8081", metadata={"parse": _text})
    """Where workers find the execution API."""
    lease_seconds: int = field(default=30, metadata={"parse": _whole_number(2, 3600)})
    """How long a worker may be silent before its attempt is taken for lost; the worker stops its task after half of
    this time."""
    queues: tuple[str, ...] = field(default=("default",), metadata={"parse": _words})
    """The queues that `mainspring worker` takes attempts from, comma separated; a process for each."""
    log_level: str = field(default="info", metadata={"parse": _one_of("debug", "info", "warning", "error")})
    log_format: str = field(default="text", metadata={"parse": _one_of("text", "json")})

    @property
    def quotas(self) -> Quotas:
        return Quotas(**{item.name: getattr(self, f"quota_{item.name}") for item in fields(Quotas)})

    @property
    def retention_settings(self) -> RetentionSettings:
        names = [item.name for item in fields(RetentionSettings) if item.name != "mode"]
        return RetentionSettings(mode=self.retention, **{name: getattr(self, f"retention_{name}") for name in names})

    @property
    def group_rights(self) -> Mapping[str, GroupRights]:
        """The rights of groups, see `oidc_groups`."""
        return {} if self.oidc_groups is None else parse_group_rights(json.loads(self.oidc_groups))

    @property
    def exchange_rules(self) -> tuple[ExchangeRule, ...]:
        """The rules of `token_exchange`."""
        return () if self.token_exchange is None else parse_exchange_rules(json.loads(self.token_exchange))

    @property
    def proxies(self) -> tuple[str, ...]:
        """The proxies that are believed, see `trusted_proxies`."""
        return self.trusted_proxies or (_LOOPBACK_NETWORKS if self.behind_proxy else ())

    @property
    def store_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'mainspring.db'}"

    @property
    def task_path(self) -> Path:
        """`task_folder`, or its default."""
        if self.task_folder is not None:
            return self.task_folder
        if self.task_user is None:
            return self.home / "tasks"
        name = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"mainspring-tasks-{name}"

    @property
    def is_sqlite(self) -> bool:
        return self.store_url.startswith("sqlite")

    @property
    def has_execution_tls(self) -> bool:
        """Whether the execution API speaks TLS: not on loopback, because no authority signs a certificate for
        loopback."""
        return self.tls_certificate is not None and not is_loopback(self.execution_host)

    def to_environment(self) -> dict[str, str]:
        """The variables from which a child process reads the same settings, without the file."""
        return {
            _variable(item.name): _as_text(value)
            for item in fields(self)
            if (value := getattr(self, item.name)) is not None and value != ()
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """The settings together with where each was found."""

    config: Config
    origins: Mapping[str, str]
    """Setting -> "default", or the file, variable or flag of the value."""

    def describe(self) -> list[tuple[str, str, str]]:
        """Name, value and origin of every setting, safe for display: secrets hidden."""
        rows = []
        for item in fields(self.config):
            value = getattr(self.config, item.name)
            hidden = item.metadata.get("is_secret") and value not in (None, ())
            text = "(hidden)" if hidden else "" if value is None else _as_text(value)
            rows.append((item.name, text, self.origins[item.name]))
        return rows


def load_config(flags: Mapping[str, Any], environment: Mapping[str, str], *, file: Path | None = None) -> Resolved:
    """Merge all sources and check the result.

    flags: setting -> value as typed; `None` = not given.
    file: a TOML file that must exist; `None` = `mainspring.toml` in the home folder, if the file exists.

    Raises:
        ConfigError: a value that cannot be, or an unknown name in the file; names the setting and its source.
    """
    settings_by_name = {item.name: item for item in fields(Config)}
    sources: dict[str, tuple[Any, str]] = {}
    faults: list[str] = []
    for name, item in settings_by_name.items():
        if environment.get(_variable(name)):
            sources[name] = (environment[_variable(name)], _variable(name))
        if _may_be_file(item) and environment.get(f"{_variable(name)}_FILE"):
            _read_secret_file(name, environment, sources, faults)
        if flags.get(name) is not None:
            sources[name] = (flags[name], f"--{name.replace('_', '-')}")
    default_home = (str(settings_by_name["home"].default), "default")
    path = file or _path(sources.get("home", default_home)[0]) / _CONFIG_FILE
    for name, value in _read_file(path, settings_by_name, faults, must_exist=file is not None).items():
        sources.setdefault(name, value)
    sources.setdefault("home", default_home)
    values = {name: _parse(settings_by_name[name], raw, faults) for name, raw in sources.items()}
    if faults:
        raise ConfigError(faults)
    origins = {name: sources[name][1] if name in sources else "default" for name in settings_by_name}
    config = Config(**values)
    _check_extras(config)
    return Resolved(config=config, origins=origins)


def _check_extras(config: Config) -> None:
    """Raises `ConfigError` when a setting needs an optional package that is not installed."""
    extras = []
    if not config.is_sqlite and find_spec("psycopg") is None:
        extras.append(("database_url", "PostgreSQL", "postgres"))
    if (config.redis_url is not None or "rq" in config.executor) and find_spec("rq") is None:
        extras.append(("redis_url", "the rq executor", "rq"))
    if extras:
        raise ConfigError(
            [f"{name}: {part} needs more packages: pip install 'mainspring[{extra}]'" for name, part, extra in extras]
        )


def secret_file_variables() -> frozenset[str]:
    """The variables that name a file with a secret, or with rules. A child process gets the text itself, not these."""
    return frozenset(f"{_variable(item.name)}_FILE" for item in fields(Config) if _may_be_file(item))


def _may_be_file(setting: Field[Any]) -> bool:
    return bool(setting.metadata.get("is_secret") or setting.metadata.get("has_file"))


def check_exposure(config: Config) -> None:
    """Refuse to serve other machines with a generated secret or in clear text.

    Raises:
        ConfigError: says what is missing.
    """
    if (config.tls_certificate is None) != (config.tls_key is None):
        raise ConfigError(["tls_certificate and tls_key go together: give both or none"])
    if (config.admin_user is None) != (config.admin_password is None):
        raise ConfigError(["admin_user and admin_password go together: give both or none"])
    secrets = () if config.admin_token is None else (config.admin_token,)
    _check_host(config, "host", config.host, "admin_token", secrets)


def check_identity(config: Config) -> None:
    """Refuse settings of the identity provider that do not go together.

    Raises:
        ConfigError: says what is missing.
    """
    if config.oidc_issuer is None:
        stray = [name for name in ("oidc_client_id", "oidc_client_secret", "oidc_groups") if getattr(config, name)]
        if stray:
            raise ConfigError([f"{', '.join(stray)}: set oidc_issuer too, or people cannot log in with it"])
        return
    faults = [
        f"{name}: oidc_issuer needs it; {cure}"
        for name, cure in (
            ("oidc_client_id", "set it to the name that this server has at the identity provider"),
            ("oidc_groups", "set it to the rights of groups, see docs/identity.md"),
            ("public_url", "set it to the address at which people reach the page: the provider sends them back there"),
        )
        if getattr(config, name) is None
    ]
    if "openid" not in config.oidc_scopes:
        faults.append("oidc_scopes: must name openid")
    if config.public_url is not None and not _is_safe_for_people(config.public_url):
        faults.append(f"public_url: {config.public_url!r} must have https for a login with oidc_issuer")
    unknown = [group for group in config.oidc_required_groups if group == EVERYBODY]
    if unknown:
        faults.append(f"oidc_required_groups: {EVERYBODY!r} is no group; leave the setting empty")
    if faults:
        raise ConfigError(faults)


def _is_safe_for_people(url: str) -> bool:
    """Whether the way of a browser to the address is encrypted, or within this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def check_execution_exposure(config: Config) -> None:
    """The same for the execution API, whose secret is the workers'.

    Raises:
        ConfigError: says what is missing.
    """
    secrets = [token.rpartition(":")[2] for token in config.worker_token]
    _check_host(config, "execution_host", config.execution_host, "worker_token", secrets)


def _check_host(config: Config, name: str, host: str, secret_name: str, secrets: Sequence[str]) -> None:
    if is_loopback(host):
        return
    faults = []
    variable = _variable(secret_name)
    if not secrets:
        faults.append(f"{name} {host!r} is reachable from other machines: set {variable} to a secret")
    if any(_is_weak(secret) for secret in secrets):
        faults.append(
            f"{name} {host!r} is reachable from other machines, and {variable} can be guessed: take at least "
            f"{_SECRET_CHARS_MIN} characters, {_SECRET_DIFFERENT_MIN} of them different, as `openssl rand -hex 32` does"
        )
    if config.tls_certificate is None and not config.behind_proxy:
        faults.append(
            f"{name} {host!r} is reachable from other machines: set tls_certificate and tls_key,"
            " or behind_proxy = true when a proxy ends TLS before it"
        )
    if faults:
        raise ConfigError(faults)


def _is_weak(secret: str) -> bool:
    return len(secret) < _SECRET_CHARS_MIN or len(set(secret)) < _SECRET_DIFFERENT_MIN


def _parse(setting: Field[Any], sources: tuple[Any, str], faults: list[str]) -> Any:
    raw, origin = sources
    try:
        return setting.metadata["parse"](raw)
    except (ValueError, TypeError, AttributeError) as exc:
        text = "(hidden)" if setting.metadata.get("is_secret") else repr(raw)
        faults.append(f"{setting.name}: {text} (from {origin}) {exc}")
        return None


def _read_secret_file(
    name: str, environment: Mapping[str, str], sources: dict[str, tuple[Any, str]], faults: list[str]
) -> None:
    """Put the text of the file that `MAINSPRING_<NAME>_FILE` names into `sources`, without surrounding space."""
    variable = f"{_variable(name)}_FILE"
    if name in sources:
        faults.append(f"{name}: both {_variable(name)} and {variable} are set; set one of them")
        return
    path = environment[variable]
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as exc:
        faults.append(f"{name}: {path} (from {variable}) cannot be read: {getattr(exc, 'strerror', None) or exc}")
        return
    if not text:
        faults.append(f"{name}: {path} (from {variable}) is empty")
        return
    sources[name] = (text, variable)


def _read_file(
    path: Path, settings_by_name: Mapping[str, object], faults: list[str], *, must_exist: bool
) -> dict[str, tuple[Any, str]]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if must_exist:
            faults.append(f"{path}: no such file")
        return {}
    except (OSError, ValueError) as exc:
        faults.append(f"{path}: {exc}")
        return {}
    for name in document.keys() - settings_by_name.keys():
        near = difflib.get_close_matches(name, settings_by_name, n=1)
        faults.append(f"{path}: unknown setting {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    return {name: (value, str(path)) for name, value in document.items() if name in settings_by_name}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _variable(name: str) -> str:
    return _ENVIRONMENT_PREFIX + name.upper()


def _as_text(value: Any) -> str:
    if isinstance(value, tuple):
        return (os.pathsep if value and isinstance(value[0], Path) else ",").join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
