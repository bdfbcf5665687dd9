"""`mainspring events`: what changes, as JSON lines."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from mainspring.events import EventKind
from mainspring_cli.client.exits import Rejected, Unreachable
from mainspring_cli.client.following import REACH_SECONDS
from mainspring_cli.client.output import Output
from mainspring_cli.client.session import Session, open_session

__all__ = ["events"]

_KINDS = [kind.value for kind in EventKind if kind is not EventKind.RESET]


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Print the events of the future too, until Ctrl-C.")
@click.option("--after", metavar="ID", help="Only events behind this one; with --follow the default is: from now on.")
@click.option("-d", "--dag", "dag_ids", metavar="DAG_ID", multiple=True, help="Only of this DAG; repeatable.")
@click.option("-t", "--type", "types", type=click.Choice(_KINDS), multiple=True, help="Only this kind; repeatable.")
@click.option("--context", metavar="NAME", help="Which server (default: the current context).")
def events(
    follow: bool, after: str | None, dag_ids: tuple[str, ...], types: tuple[str, ...], context: str | None
) -> None:
    """Print what changes: an event a line, as JSON.

    A `reset` event says that events before it are lost. The id of the last line is the `--after` of the next call.
    """
    if not follow and after is None:
        raise click.UsageError("give --follow, or --after with the id of an event")
    session = open_session(context, Output())
    lines = _followed if follow else _stored
    for event in lines(session, after, dag_ids, types):
        session.output.json_line(event)


def _followed(
    session: Session, after: str | None, dag_ids: tuple[str, ...], types: tuple[str, ...]
) -> Iterator[Mapping[str, Any]]:
    import httpx

    from mainspring_client.errors import ApiError
    from mainspring_client.event_stream import follow_json

    client = session.client.get_httpx_client()
    try:
        yield from follow_json(client, after=after, dag_ids=dag_ids, types=types, give_up_seconds=REACH_SECONDS)
    except httpx.HTTPError as exc:
        raise Unreachable(f"{session.server.url}: {exc or type(exc).__name__}") from exc
    except ApiError as exc:
        status = int(exc.status_code)
        raise (Rejected(str(exc), status=status) if status < 429 else Unreachable(str(exc))) from exc


def _stored(
    session: Session, after: str | None, dag_ids: tuple[str, ...], types: tuple[str, ...]
) -> Iterator[Mapping[str, Any]]:
    from mainspring_client.api.events import get_events
    from mainspring_client.models.get_events_types_item import GetEventsTypesItem

    kinds = [GetEventsTypesItem(kind) for kind in types]
    while True:
        page = session.call(get_events, after=after, dag_id=list(dag_ids), types=kinds)
        yield from page["events"]
        if page["cursor"] == after:
            return
        after = page["cursor"]
