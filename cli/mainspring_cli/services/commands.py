"""Starts the services in this process, from the merged settings. Heavy imports happen in these functions alone."""

import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mainspring.worker_tokens import split_token
from mainspring_cli.config import (
    Config,
    ConfigError,
    check_execution_exposure,
    check_exposure,
    check_identity,
    secret_file_variables,
)
from mainspring_cli.services.database import opened_database
from mainspring_cli.services.descriptors import held_max, raise_descriptor_limit
from mainspring_cli.services.home import keep_admin_token, prepare_home
from mainspring_cli.services.listener import listen
from mainspring_cli.services.logs import log_to_stderr
from mainspring_cli.services.security_mode import api_facts, execution_facts, log_facts, scheduler_facts, worker_facts
from mainspring_cli.services.supervisor import Service, supervise

if TYPE_CHECKING:
    from mainspring_api import OidcSettings
    from mainspring_store.database.key_ring import KeyRing

__all__ = [
    "key_ring",
    "rotate_secret_keys",
    "run_scheduler",
    "serve_api",
    "serve_execution_api",
    "shown_worker_token",
    "work",
    "worker_services",
    "worker_tokens",
]

_STOP_SECONDS = 20.0
"""Time for a worker to end, in addition to the grace of its task: to stop that, and to report it."""
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


def serve_api(config: Config, *, listen_fd: int | None) -> None:
    """Serve the API until SIGTERM or SIGINT; ends the process.

    listen_fd: an inherited socket that listens already; `None` = listen on the host and port of the settings.
    """
    from mainspring_api import ApiSettings, FirstUser
    from mainspring_cli.services.api_server import api_server

    check_exposure(config)
    check_identity(config)
    prepare_home(config.home)
    keep_admin_token(config)
    _log_to_stderr(config, "api")
    raise_descriptor_limit()
    facts = api_facts(config)
    log_facts(facts)
    first_user = None
    if config.admin_user is not None and config.admin_password is not None:
        first_user = FirstUser(name=config.admin_user, password=config.admin_password)
    settings = ApiSettings(
        first_user=first_user,
        database_url=config.store_url,
        log_store=config.log_store,
        home=config.home,
        secret_keys=config.secret_keys,
        executors=config.executor,
        version=version("mainspring"),
        allowed_hosts=(*_LOOPBACK_NAMES, config.host, *config.allowed_hosts),
        trusted_proxies=config.proxies,
        quotas=config.quotas,
        streams_max=config.streams_max or held_max(),
        streams_per_principal_max=config.streams_per_user_max,
        log_waits_max=max(1, config.api_threads // 4),
        waits_max=config.waits_max or held_max(),
        waits_per_principal_max=config.waits_per_user_max,
        events_kept=timedelta(days=config.events_kept_days),
        ui_name=config.ui_name,
        ui_banner=config.ui_banner,
        ui_timezone=config.ui_timezone,
        http_allow=config.http_allow,
        callback_allow=config.callback_allow,
        oidc=_oidc_settings(config),
        exchange_rules=config.exchange_rules,
        security_facts=facts,
    )
    # From here on the socket is gunicorn's to close.
    number = listen(config.host, config.port).detach() if listen_fd is None else listen_fd
    api_server(config, settings, listen_fd=number).run()


def _oidc_settings(config: Config) -> "OidcSettings | None":
    """Those of a configuration that `check_identity` has let pass."""
    from mainspring_api import OidcSettings

    if config.oidc_issuer is None or config.oidc_client_id is None or config.public_url is None:
        return None
    return OidcSettings(
        issuer=config.oidc_issuer,
        client_id=config.oidc_client_id,
        client_secret=config.oidc_client_secret,
        public_url=config.public_url,
        scopes=config.oidc_scopes,
        label=config.oidc_name,
        name_claim=config.oidc_name_claim,
        groups_claim=config.oidc_groups_claim,
        groups=config.group_rights,
        required_groups=config.oidc_required_groups,
    )


def serve_execution_api(config: Config, *, listen_fd: int | None) -> None:
    """Serve the execution API to remote workers until SIGTERM or SIGINT; ends the process."""
    from mainspring_api.execution import ExecutionSettings
    from mainspring_cli.services.execution_server import execution_server

    check_execution_exposure(config)
    prepare_home(config.home)
    _log_to_stderr(config, "execution-api")
    log_facts(execution_facts(config))
    settings = ExecutionSettings(
        database_url=config.store_url,
        worker_tokens=worker_tokens(config),
        key_ring=key_ring(config),
        lease=timedelta(seconds=config.lease_seconds),
        exports_traces=config.otlp_endpoint is not None,
        log_store=config.log_store,
        version=version("mainspring"),
    )
    host, port = config.execution_host, config.execution_port
    number = listen(host, port, setting="execution_port").detach() if listen_fd is None else listen_fd
    execution_server(config, settings, listen_fd=number).run()


def work(config: Config) -> int:
    """Carry attempts out for a scheduler, on any machine, until SIGTERM or SIGINT; returns the exit code."""
    if config.redis_url is None:
        raise ConfigError(["redis_url: a worker needs it; set MAINSPRING_REDIS_URL"])
    prepare_home(config.home)
    if len(config.queues) > 1:
        if config.log_format == "json":
            _log_to_stderr(config, "supervisor")
        return supervise(worker_services(config, os.environ), stop_seconds=config.stop_grace_seconds + _STOP_SECONDS)
    from mainspring_executors.rq.worker import WorkerSettings, run_worker

    (queue,) = config.queues
    _log_to_stderr(config, f"worker {queue}")
    log_facts(worker_facts(config))
    return run_worker(
        WorkerSettings(
            redis_url=config.redis_url,
            execution_url=config.execution_url,
            worker_token=shown_worker_token(config),
            queue=queue,
            code_path=config.code_path,
            http_allow=config.http_allow,
            state_dir=config.task_path,
            task_user=config.task_user,
            close_grace=timedelta(seconds=config.stop_grace_seconds),
        )
    )


def worker_services(config: Config, environment: Mapping[str, str]) -> list[Service]:
    """A worker process for each queue."""
    queues = dict.fromkeys(config.queues)
    files = secret_file_variables()
    settings = {name: value for name, value in environment.items() if name not in files} | config.to_environment()
    return [
        Service(
            name=f"worker {queue}",
            command=[sys.executable, "-m", "mainspring_cli", "worker"],
            environment={**settings, "MAINSPRING_QUEUES": queue},
        )
        for queue in queues
    ]


def run_scheduler(config: Config) -> int:
    """Run the scheduler until SIGTERM or SIGINT; returns the exit code."""
    if config.otlp_endpoint is not None and find_spec("opentelemetry") is None:
        raise ConfigError(["otlp_endpoint: the library is not installed; install mainspring[otel]"])
    from mainspring_scheduler.service import SchedulerSettings, run

    prepare_home(config.home)
    _log_to_stderr(config, "scheduler")
    log_facts(scheduler_facts(config))
    return run(
        SchedulerSettings(
            database_url=config.store_url,
            state_dir=config.task_path,
            task_user=config.task_user,
            executors=config.executor,
            concurrency=config.concurrency,
            checks_at_once=config.checks_at_once,
            code_path=config.code_path,
            http_allow=config.http_allow,
            redis_url=config.redis_url,
            key_ring=key_ring(config),
            close_grace=timedelta(seconds=config.stop_grace_seconds),
            retention=config.retention_settings,
            callback_allow=config.callback_allow,
            public_url=config.public_url,
            otlp_endpoint=config.otlp_endpoint,
            retention_archive=config.retention_archive,
            log_store=config.log_store,
            version=version("mainspring"),
        )
    )


def rotate_secret_keys(config: Config) -> int:
    """Encrypt every secret again under the newest key; returns how many there are. The services may be running."""
    from mainspring_store.resources.secrets import rotate_keys

    prepare_home(config.home)
    with opened_database(config.store_url) as database:
        return rotate_keys(database, key_ring(config))


def key_ring(config: Config) -> "KeyRing":
    """The keys of secrets: of the settings, else of the file in the home folder."""
    from mainspring_store.database.key_ring import KeyRing, key_file

    return KeyRing(key_file(config.home), config.secret_keys)


def worker_tokens(config: Config) -> tuple[str, ...]:
    """The workers' credentials at the execution API; one is made in the home folder where the settings give none."""
    if config.worker_token:
        return config.worker_token
    from mainspring_api.http.credential_files import worker_token

    return (worker_token(config.home),)


def shown_worker_token(config: Config) -> str:
    """The token that a worker of this machine sends: the first one, without its queue."""
    return split_token(worker_tokens(config)[0])[1]


def _log_to_stderr(config: Config, service: str) -> None:
    log_to_stderr(level=config.log_level, log_format=config.log_format, service=service)
