"""Arguments that name what a server has; a shell completes them by asking it."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import click

from mainspring.errors import MainspringError
from mainspring_cli.client.output import Output
from mainspring_cli.client.session import Session, open_session

__all__ = ["DAG_ID", "DAG_ID_OR_ALL", "RUN_ID"]

_SECONDS_MAX = 1.0
"""Somebody has pressed a key and waits."""
_NAMES_MAX = 100


def _session(ctx: click.Context) -> Session:
    import httpx

    session = open_session(ctx.params.get("context"), Output())
    return replace(session, client=session.client.with_timeout(httpx.Timeout(_SECONDS_MAX)))


def _dag_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from mainspring_client.api.dags import get_dags

    return _names(ctx, get_dags, "dags", "dag_id", dag_id_prefix_pattern=incomplete)


def _run_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from mainspring_client.api.dag_runs import get_dag_runs

    latest = {"order_by": ["-run_after"], "cursor": "", "run_id_prefix_pattern": incomplete}
    return _names(ctx, get_dag_runs, "dag_runs", "dag_run_id", ctx.params["dag_id"], **latest)


def _names(ctx: click.Context, operation: Any, key: str, member: str, *arguments: str, **options: Any) -> list[str]:
    """None when the server cannot tell: a shell has nowhere to show why."""
    with suppress(MainspringError):
        page = _session(ctx).call(operation, *arguments, limit=_NAMES_MAX, **options)
        return [resource[member] for resource in page[key]]
    return []


DAG_ID = click.argument("dag_id", shell_complete=_dag_ids)
DAG_ID_OR_ALL = click.argument("dag_id", default="~", shell_complete=_dag_ids)
RUN_ID = click.argument("run_id", shell_complete=_run_ids)
