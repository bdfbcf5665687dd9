"""The application: its parts put together."""

from typing import Any

from flask import Flask
from itsdangerous import URLSafeSerializer

from mainspring_api.document import routes
from mainspring_api.document.openapi import build_document
from mainspring_api.http.authentication import Authenticator, ensure_admin_token
from mainspring_api.http.client_address import TrustedProxies
from mainspring_api.http.context import EXTENSION, Context
from mainspring_api.http.credential_files import login_key, signing_key
from mainspring_api.http.event_feed import EventFeed
from mainspring_api.http.first_user import ensure_first_user
from mainspring_api.http.identity_providers import IdentityProviders
from mainspring_api.http.keys_in_use import KeysInUse
from mainspring_api.http.limits import limits_of
from mainspring_api.http.log_indexes import LogIndexes
from mainspring_api.http.login_limits import login_limits_of
from mainspring_api.http.login_tokens import LoginTokens
from mainspring_api.http.metric_totals import MetricTotals
from mainspring_api.http.middleware import install_middleware
from mainspring_api.http.oidc_logins import OidcLogins
from mainspring_api.http.operations import Resource
from mainspring_api.http.places import Places
from mainspring_api.http.problems import register_error_handlers
from mainspring_api.http.refused_deliveries import RefusedDeliveries
from mainspring_api.http.routing import route_exactly
from mainspring_api.http.run_watcher import RunWatcher
from mainspring_api.resources.definitions import (
    dag_documents,
    dag_saves,
    dag_summaries,
    dag_versions,
    dags,
    plans,
    schedules,
    tasks,
)
from mainspring_api.resources.instances import (
    approvals,
    dependencies,
    explanations,
    hitl_details,
    log_lines,
    logs,
    run_reports,
    signals,
    task_instances,
    tries,
    xcoms,
)
from mainspring_api.resources.interventions import (
    clearing,
    many_instances,
    many_runs,
    many_triggers,
    marking,
    version_changes,
)
from mainspring_api.resources.page import activity, calendar, grid, home, overview, search, summary, timeline
from mainspring_api.resources.people import login, oidc_login, sessions, token_exchange, tokens, ui_config, users
from mainspring_api.resources.runs import backfills, dag_runs, hook_deliveries, inline_runs, run_waits
from mainspring_api.resources.service import (
    airflow_only,
    event_logs,
    events,
    idempotency_keys,
    jobs,
    metrics,
    monitor,
    moved,
    page,
    root,
    version,
    workers,
)
from mainspring_api.resources.stored import connections, notifiers, pools, secrets, variables, webhooks
from mainspring_api.settings import STATEMENT_SECONDS_MAX, ApiSettings
from mainspring_store import Database, open_database
from mainspring_store.access.quotas import Usage
from mainspring_store.access.stored_totals import StoredTotals
from mainspring_store.database.key_ring import KeyRing, key_file
from mainspring_store.database.log_stores import open_log_store
from mainspring_store.database.notify import open_notifier
from mainspring_store.resources.versions import Versions

__all__ = ["BLUEPRINTS", "close_app", "create_app", "document", "end_waits"]

BLUEPRINTS: tuple[Resource, ...] = (
    dag_saves.blueprint,
    dags.blueprint,
    plans.blueprint,
    dag_versions.blueprint,
    dag_documents.blueprint,
    dag_summaries.blueprint,
    tasks.blueprint,
    schedules.blueprint,
    backfills.blueprint,
    dag_runs.blueprint,
    run_waits.blueprint,
    hook_deliveries.blueprint,
    many_runs.blueprint,
    many_triggers.blueprint,
    inline_runs.blueprint,
    version_changes.blueprint,
    run_reports.blueprint,
    task_instances.blueprint,
    clearing.blueprint,
    marking.blueprint,
    many_instances.blueprint,
    dependencies.blueprint,
    explanations.blueprint,
    approvals.blueprint,
    hitl_details.blueprint,
    signals.blueprint,
    tries.blueprint,
    logs.blueprint,
    log_lines.blueprint,
    xcoms.blueprint,
    pools.blueprint,
    variables.blueprint,
    connections.blueprint,
    secrets.blueprint,
    idempotency_keys.blueprint,
    webhooks.blueprint,
    notifiers.blueprint,
    event_logs.blueprint,
    events.blueprint,
    monitor.blueprint,
    jobs.blueprint,
    airflow_only.blueprint,
    monitor.ready_blueprint,
    metrics.blueprint,
    workers.blueprint,
    overview.blueprint,
    home.blueprint,
    summary.blueprint,
    activity.blueprint,
    grid.blueprint,
    timeline.blueprint,
    calendar.blueprint,
    search.blueprint,
    users.blueprint,
    tokens.blueprint,
    login.blueprint,
    oidc_login.blueprint,
    token_exchange.blueprint,
    sessions.blueprint,
    sessions.own_blueprint,
    version.blueprint,
    ui_config.blueprint,
    root.blueprint,
    routes.blueprint,
)


def document() -> dict[str, Any]:
    """The OpenAPI document of this API. The caller must not change it: it is kept and shared."""
    return build_document(BLUEPRINTS)


def create_app(settings: ApiSettings) -> Flask:
    """The WSGI application over a migrated database. Makes the admin token and the signing key when there are none.

    To be made in the process that serves: connections do not survive a fork.
    """
    app = Flask("mainspring_api", static_folder=None)
    route_exactly(app)
    database = _open_database(settings)
    ensure_admin_token(database, settings.home, is_only=settings.is_admin_token_given)
    ensure_first_user(database, settings.first_user)
    feed = EventFeed(database, kept=settings.events_kept)
    login_tokens = LoginTokens(login_key(settings.home))
    limits = limits_of(database, settings.writes_per_second_max)
    app.extensions[EXTENSION] = Context(
        settings=settings,
        database=database,
        notifier=open_notifier(database),
        versions=Versions(database),
        authenticator=Authenticator(database, login_tokens),
        watcher=RunWatcher(database, feed),
        feed=feed,
        stream_places=_places("streams", settings.streams_max, settings.streams_per_principal_max),
        wait_places=_places("waiting requests", settings.waits_max, settings.waits_per_principal_max),
        signer=URLSafeSerializer(signing_key(settings.home)),
        login_tokens=login_tokens,
        providers=IdentityProviders(settings.issuers),
        oidc_logins=OidcLogins(signing_key(settings.home)),
        key_ring=KeyRing(key_file(settings.home), settings.secret_keys),
        keys_in_use=KeysInUse(),
        limits=limits,
        login_limits=login_limits_of(database),
        log_indexes=LogIndexes(database),
        log_waits=_places("waits for log lines", settings.log_waits_max, max(1, settings.log_waits_max // 2)),
        trusted_proxies=TrustedProxies(settings.trusted_proxies),
        usage=Usage(settings.quotas, StoredTotals(database)),
        totals=MetricTotals(database),
        refused_deliveries=RefusedDeliveries(database, limits.noted_deliveries),
    )
    register_error_handlers(app)
    install_middleware(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.register_blueprint(airflow_only.absent)
    app.register_blueprint(moved.blueprint)
    app.register_blueprint(page.blueprint)
    return app


def end_waits(app: Flask) -> None:
    """End all streams, and answer all requests that wait, now, with what is known. For the beginning of a shutdown."""
    context: Context = app.extensions[EXTENSION]
    context.watcher.close()
    context.feed.close()


def _open_database(settings: ApiSettings) -> Database:
    database = open_database(
        settings.database_url,
        connections_max=settings.connections_max,
        synchronous=settings.synchronous,
        statement_seconds_max=STATEMENT_SECONDS_MAX,
    )
    database.log_store = None if settings.log_store is None else open_log_store(settings.log_store)
    return database


def _places(kind: str, total: int, per_principal: int | None) -> Places:
    return Places(kind, total, max(1, total // 4) if per_principal is None else per_principal)


def close_app(app: Flask) -> None:
    """End the waits and close the connections."""
    context: Context = app.extensions[EXTENSION]
    context.watcher.close()
    context.feed.close()
    context.totals.close()
    context.refused_deliveries.close()
    context.usage.close()
    context.notifier.close()
    context.database.close()
