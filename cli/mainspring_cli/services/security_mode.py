"""The protection of each service in its present set-up, a sentence for each fact: for its log, and for administrators.

Worked out from the settings alone. The facts show the scheme, the user and whether an address is on this machine, and
no further part: a misspelled password may stand in any part.
"""

import logging
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qs, urlsplit

from mainspring_cli.config import Config, is_loopback
from mainspring_executors.rq.redis_sentinels import SENTINEL_SCHEMES, hosts_of_sentinels

__all__ = ["api_facts", "execution_facts", "log_facts", "scheduler_facts", "worker_facts"]

_log = logging.getLogger(__name__)

Facts = Mapping[str, str]
"""What is told about -> one sentence; in display order."""

_TLS_TO_DATABASE = {
    "verify-full": "TLS, its certificate and name are checked",
    "verify-ca": "TLS, its certificate is checked, its name is not",
    "require": "TLS, its certificate is not checked",
}
_EXECUTORS = {
    "thread": "thread: functions share a process, all tasks run as {user}",
    "local": "local: a process for each task, as {user}",
    "rq": "rq: a process for each task, as the user of the workers, who do not reach the database",
}


def api_facts(config: Config) -> Facts:
    origin = "a token made here" if config.admin_token is None else "a token from the settings"
    return {
        "address": _address(config.host),
        "authentication": f"tokens and passwords; the administrator has {origin}{_identity(config)}",
        "transport": _transport(config, has_tls=config.tls_certificate is not None),
        "database": _database(config),
        "redis": _redis(config) if "rq" in config.executor else "not used",
        "executors": _executors(config),
    }


def _identity(config: Config) -> str:
    """Who else vouches for people and pipelines; empty = nobody."""
    provider = "" if config.oidc_issuer is None else f"; people log in with {config.oidc_issuer}"
    issuers = ", ".join(dict.fromkeys(rule.issuer for rule in config.exchange_rules))
    return f"{provider}; tokens of {issuers} are exchanged" if issuers else provider


def execution_facts(config: Config) -> Facts:
    count = len(config.worker_token)
    tokens = f"{count} from the settings" if count else "one made here"
    return {
        "address": _address(config.execution_host),
        "authentication": f"tokens of workers: {tokens}",
        "transport": _transport(config, has_tls=config.has_execution_tls),
        "database": _database(config),
    }


def scheduler_facts(config: Config) -> Facts:
    redis = {"redis": _redis(config)} if "rq" in config.executor else {}
    return {"database": _database(config), **redis, "executors": _executors(config)}


def worker_facts(config: Config) -> Facts:
    return {
        "redis": _redis(config),
        "execution API": _guarded(_split(config.execution_url), tls_scheme="https"),
        "tasks": f"a process for each, as {_task_user(config, 'the user of this worker')}",
    }


def log_facts(facts: Facts) -> None:
    for name, sentence in facts.items():
        _log.info("%s: %s", name, sentence)


def _address(host: str) -> str:
    return f"{host}, reached by {'this machine alone' if is_loopback(host) else 'other machines'}"


def _transport(config: Config, *, has_tls: bool) -> str:
    if has_tls:
        return "TLS"
    return "clear text, to a proxy that ends TLS" if config.behind_proxy else "clear text, within this machine"


def _database(config: Config) -> str:
    from sqlalchemy import make_url

    if config.is_sqlite:
        return "SQLite, a file on this machine"
    url = make_url(config.store_url)
    role = f" as '{url.username}'" if url.username else ""
    hosts = url.host or url.query.get("host", "")
    if all(_is_here(host) for host in ([hosts] if isinstance(hosts, str) else hosts)):
        return f"PostgreSQL on this machine{role}"
    tls = _TLS_TO_DATABASE.get(str(url.query.get("sslmode")), "TLS is not demanded")
    return f"PostgreSQL on another machine{role}; {tls}"


def _is_here(host: str) -> bool:
    """Whether libpq means a socket or an address of this machine."""
    return not host or host.startswith(("/", "@")) or is_loopback(host)


def _redis(config: Config) -> str:
    if config.redis_url is None:
        return "not known to this service"
    url = _split(config.redis_url)
    if url.scheme == "unix":
        return "a socket of this machine"
    if not url.password:
        credential = "no password"
    else:
        credential = f"user '{url.username}' with a password" if url.username else "a password"
    if url.scheme in SENTINEL_SCHEMES:
        return _behind_sentinels(url, credential)
    return f"{_guarded(url, tls_scheme='rediss')}; {credential}"


def _behind_sentinels(url: SplitResult, credential: str) -> str:
    """The Sentinels alone know the machine of the server."""
    try:
        is_here = all(is_loopback(host) for host, _ in hosts_of_sentinels(url))
    except ValueError:  # a port is no number; whoever connects says so
        is_here = False
    place = "this machine" if is_here else "another machine"
    secret = "a password" if "sentinel_password" in parse_qs(url.query) else "no password"
    return (
        f"{_encryption(url, tls_scheme='rediss+sentinel')}, to the server that Sentinels name; {credential}; "
        f"clear text, to Sentinels on {place}; {secret}"
    )


def _guarded(url: SplitResult, *, tls_scheme: str) -> str:
    place = "this machine" if url.hostname is None or is_loopback(url.hostname) else "another machine"
    return f"{_encryption(url, tls_scheme=tls_scheme)}, to {place}"


def _encryption(url: SplitResult, *, tls_scheme: str) -> str:
    return "TLS" if url.scheme == tls_scheme else "clear text"


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # an unmatched bracket; whoever connects says so
        return urlsplit("")


def _executors(config: Config) -> str:
    user = _task_user(config, "the user of the scheduler")
    sentences = {name: text.format(user=user) for name, text in _EXECUTORS.items()}
    return "; ".join(sentences.get(name, f"{name}: an installed package's own") for name in config.executor)


def _task_user(config: Config, otherwise: str) -> str:
    return otherwise if config.task_user is None else f"the user '{config.task_user}'"
