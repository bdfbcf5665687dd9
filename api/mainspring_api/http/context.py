"""What every request may use; one for each application."""

from dataclasses import dataclass, replace

from flask import current_app, g
from itsdangerous import URLSafeSerializer

from mainspring_api.http.authentication import Authenticator
from mainspring_api.http.client_address import TrustedProxies
from mainspring_api.http.event_feed import EventFeed
from mainspring_api.http.identity_providers import IdentityProviders
from mainspring_api.http.keys_in_use import KeysInUse
from mainspring_api.http.limits import Limits
from mainspring_api.http.log_indexes import LogIndexes
from mainspring_api.http.login_limits import LoginLimits
from mainspring_api.http.login_tokens import LoginTokens
from mainspring_api.http.metric_totals import MetricTotals
from mainspring_api.http.oidc_logins import OidcLogins
from mainspring_api.http.places import Places
from mainspring_api.http.refused_deliveries import RefusedDeliveries
from mainspring_api.http.run_watcher import RunWatcher
from mainspring_api.settings import ApiSettings
from mainspring_store import Database
from mainspring_store.access.quotas import Usage
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.database.notify import Notifier
from mainspring_store.resources.versions import Versions

__all__ = ["Context", "application_context", "context", "replace_database"]

EXTENSION = "mainspring"


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The parts of one API process."""

    settings: ApiSettings
    database: Database
    notifier: Notifier
    versions: Versions
    authenticator: Authenticator
    watcher: RunWatcher
    feed: EventFeed
    stream_places: Places
    wait_places: Places
    signer: URLSafeSerializer
    login_tokens: LoginTokens
    providers: IdentityProviders
    oidc_logins: OidcLogins
    key_ring: KeyRing
    keys_in_use: KeysInUse
    limits: Limits
    login_limits: LoginLimits
    log_indexes: LogIndexes
    log_waits: Places
    """For requests that hold a thread until a log has a new line."""
    trusted_proxies: TrustedProxies
    usage: Usage
    totals: MetricTotals
    refused_deliveries: RefusedDeliveries


def context() -> Context:
    """The context of the current request: the context of the application, or the copy of `replace_database`."""
    current: Context = g.get("context") or application_context()
    return current


def application_context() -> Context:
    """The unchanged context of the application."""
    current: Context = current_app.extensions[EXTENSION]
    return current


def replace_database(database: Database) -> None:
    """Replace the database for the rest of the current request."""
    g.context = replace(context(), database=database)
