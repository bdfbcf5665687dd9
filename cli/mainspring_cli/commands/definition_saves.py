"""`mainspring dags apply` and `plan`: definitions in files, alone or as a bundle."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from mainspring_cli.client.definition_files import dag_id_of, definition_text, find_definitions, read_definition
from mainspring_cli.client.exits import Exit, Rejected, describe_fault
from mainspring_cli.client.session import Session, with_session

__all__ = ["SOURCES", "apply", "each_definition", "plan", "plan_lines"]

SOURCES = click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
_REQUEST_BYTES = 16 << 20
"""The server reads at most 20 MiB, and JSON escapes make a text longer."""
_REQUEST_DEFINITIONS = 500
_BUNDLE_OPTIONS = {
    "is_plan": "--plan",
    "is_prune": "--prune",
    "is_delete": "--delete",
    "is_forced": "--force",
    "takes_over": "--take-over",
}


@dataclass(frozen=True, kw_only=True)
class _Bundle:
    """What a user wants of a bundle."""

    name: str
    message: str
    is_plan: bool
    is_prune: bool
    is_delete: bool
    is_forced: bool
    takes_over: bool

    @property
    def members(self) -> dict[str, Any]:
        """The members of a request that name the bundle."""
        return {"bundle_name": self.name, "take_over": self.takes_over}


@click.command()
@SOURCES
@click.option("-m", "--message", default="", help="Reason of the change, kept with each new version.")
@click.option("--atomic", "is_atomic", is_flag=True, help="Save all definitions, or none.")
@click.option("--bundle", "bundle_name", metavar="NAME", help="Bundle that the definitions belong to.")
@click.option("--plan", "is_plan", is_flag=True, help="With --bundle: only say what would change.")
@click.option("--prune", "is_prune", is_flag=True, help="With --bundle: pause DAGs that SOURCES no longer has; stale.")
@click.option("--delete", "is_delete", is_flag=True, help="With --prune: delete these DAGs with all their runs.")
@click.option("--force", "is_forced", is_flag=True, help="With --prune: also more than half of the bundle.")
@click.option("--take-over", "takes_over", is_flag=True, help="With --bundle: also DAGs of another bundle.")
@click.option("-y", "--yes", "is_agreed", is_flag=True, help="With --delete: do not ask.")
@with_session
def apply(
    session: Session,
    sources: tuple[Path, ...],
    message: str,
    is_atomic: bool,
    bundle_name: str | None,
    is_agreed: bool,
    **flags: bool,
) -> None:
    """Save the definitions in SOURCES: files of JSON or YAML, or folders of them.

    Each file is one DAG; the id is `dag_id`, or the name of the file. With --bundle, all definitions and rights are
    checked before the first DAG is changed.
    """
    _check_flags(bundle_name, flags)
    if bundle_name is None:
        (_save_at_once if is_atomic else _save_each)(session, sources, message)
        return
    if flags["is_delete"] and not flags["is_plan"] and not is_agreed:
        click.confirm(f"Delete the DAGs that {_names(sources)} no longer has, with all their runs?", abort=True)
    _apply_bundle(session, sources, _Bundle(name=bundle_name, message=message, **flags), is_atomic=is_atomic)


@click.command()
@SOURCES
@click.option("--removed", "removed", multiple=True, help="Id of a DAG that would be removed; repeatable.")
@click.option("--strict", "is_strict", is_flag=True, help="End with 6 also when only unknown callers would break.")
@with_session
def plan(session: Session, sources: tuple[Path, ...], removed: tuple[str, ...], is_strict: bool) -> None:
    """Say what saving the definitions in SOURCES would change. Nothing is written.

    Ends with 6 when a definition has a fault or a change breaks a caller.
    """
    answer = _plan(session, _texts(sources), removed=list(removed))
    _show_plan(session, answer)
    if is_strict and any(dag["incompatible"] for dag in answer["dags"]):
        raise SystemExit(Exit.REJECTED)


def _check_flags(bundle_name: str | None, flags: Mapping[str, bool]) -> None:
    named = [option for name, option in _BUNDLE_OPTIONS.items() if flags[name]]
    if bundle_name is None and named:
        raise click.UsageError(f"{named[0]} needs --bundle")
    for option in ("is_delete", "is_forced"):
        if flags[option] and not flags["is_prune"]:
            raise click.UsageError(f"{_BUNDLE_OPTIONS[option]} needs --prune")


def _apply_bundle(session: Session, sources: tuple[Path, ...], bundle: _Bundle, *, is_atomic: bool) -> None:
    """Plan all definitions, save all, then prune. A fault or a missing right ends the command before the first save."""
    parts = list(_parts(_texts(sources)))
    if is_atomic and len(parts) > 1:
        raise click.UsageError(
            f"--atomic saves at most {_REQUEST_DEFINITIONS} definitions and 16 MiB; leave it out, or make two bundles"
        )
    plans = [_plan(session, part, **bundle.members) for part in parts]
    kept = [dag["dag_id"] for answer in plans for dag in answer["dags"]]
    pruned = _pruned(session, bundle, kept, is_dry_run=True) if bundle.is_prune else None
    if bundle.is_plan:
        removed = [] if pruned is None else _going(pruned, bundle)
        plans += [_plan(session, [], removed=removed[at : at + 500]) for at in range(0, len(removed), 500)]
        _show_plan(session, {**plans[0], "dags": [dag for answer in plans for dag in answer["dags"]]})
        return
    results = []
    for part, planned in zip(parts, plans, strict=True):
        results += _saved_part(session, bundle, part, planned)
    if pruned is not None:
        results += _prune(session, bundle, kept)
    if not session.output.is_table:
        session.output.rows(results, ())


def _saved_part(
    session: Session, bundle: _Bundle, texts: Sequence[Mapping[str, Any]], planned: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Save planned definitions and print a line for each."""
    from mainspring_client.api.dags import put_dags
    from mainspring_client.models import DagsBody

    content = {"definitions": list(texts), "message": bundle.message, "plan_token": planned["plan_token"]}
    saved = session.call(put_dags, body=DagsBody.from_dict({**content, **bundle.members}))["dags"]
    summaries = {dag["dag_id"]: dag["summary"] for dag in planned["dags"]}
    results = [{**dag, "summary": summaries[dag["dag_id"]]} for dag in saved]
    for dag in results:
        for warning in dag["warnings"]:
            click.echo(f"{dag['dag_id']}: warning: {describe_fault(warning)}", err=True)
        if session.output.is_table:
            session.output.line(_saved_line(dag))
    return results


def _saved_line(dag: Mapping[str, Any]) -> str:
    match dag["action"]:
        case "create":
            return f"{dag['dag_id']}: created"
        case "change":
            return f"{dag['dag_id']}: changed to version {dag['version_number']} ({dag['summary']})"
    return f"{dag['dag_id']}: unchanged"


def _pruned(session: Session, bundle: _Bundle, kept: Sequence[str], *, is_dry_run: bool) -> Any:
    from mainspring_client.api.dags import prune_dags
    from mainspring_client.models import PruneBody

    body = {"bundle_name": bundle.name, "kept": list(kept), "force": bundle.is_forced, "dry_run": is_dry_run}
    return session.call(prune_dags, body=PruneBody.from_dict(body))


def _going(pruned: Mapping[str, Any], bundle: _Bundle) -> list[str]:
    """DAGs that a prune touches: a deletion takes stale DAGs too."""
    return sorted([*pruned["dag_ids"], *pruned["stale_dag_ids"]]) if bundle.is_delete else list(pruned["dag_ids"])


def _prune(session: Session, bundle: _Bundle, kept: Sequence[str]) -> list[dict[str, Any]]:
    """Make DAGs stale, or delete them, and print a line for each.

    A DAG whose tasks run is not deleted: it stays stale, and the command ends with 6 after the others.
    """
    results = []
    for dag_id in _going(_pruned(session, bundle, kept, is_dry_run=False), bundle):
        fault = _deletion_fault(session, bundle, dag_id) if bundle.is_delete else None
        action = "deleted" if bundle.is_delete and fault is None else "stale"
        results.append({"dag_id": dag_id, "action": action, "fault": fault})
        if fault is not None:
            click.echo(f"{dag_id}: not deleted: {fault}", err=True)
        if session.output.is_table:
            session.output.line(f"{dag_id}: deleted" if action == "deleted" else f"{dag_id}: paused and stale")
    if any(result["fault"] for result in results):
        if not session.output.is_table:
            session.output.rows(results, ())
        raise SystemExit(Exit.REJECTED)
    return results


def _deletion_fault(session: Session, bundle: _Bundle, dag_id: str) -> str | None:
    """Delete a DAG that is still a stale DAG of the bundle; why it stays, or `None`."""
    from mainspring_client.api.dags import delete_dag, get_dag

    try:
        dag, etag = session.tagged(get_dag, dag_id)
        if dag["bundle_name"] != bundle.name or not dag["is_stale"]:
            return "the DAG was saved again at this moment"
        session.call_if_match(etag, delete_dag, dag_id)
    except Rejected as exc:
        return str(exc)
    return None


def _plan(session: Session, texts: Sequence[Mapping[str, Any]], **members: Any) -> dict[str, Any]:
    from mainspring_client.api.dags import plan_dags
    from mainspring_client.models import PlanBody

    body = PlanBody.from_dict({"definitions": list(texts), **members})
    answer: dict[str, Any] = session.call(plan_dags, body=body)
    return answer


def _show_plan(session: Session, answer: Mapping[str, Any]) -> None:
    """Print a plan. Ends with 6 when it breaks a caller."""
    if session.output.is_table:
        for line in plan_lines(answer["dags"]):
            session.output.line(line)
    else:
        session.output.item(answer)
    if any(dag["breaking"] or dag["hidden_breaking"] for dag in answer["dags"]):
        raise SystemExit(Exit.REJECTED)


def plan_lines(plans: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A plan for people: each DAG, then its changes, broken callers and doubts."""
    for dag in plans:
        yield f"{dag['dag_id']}: {dag['action']}"
        if dag["action"] != "create":
            yield from (f"  {change['text']}" for change in dag["changes"])
        if dag["action"] == "change" and not dag["changes"]:
            yield f"  {dag['summary']}"
        yield from (f"  incompatible: {fault['text']}" for fault in dag["incompatible"])
        for caller in dag["breaking"]:
            yield f"  breaks {caller['kind']} {caller['caller']}: {caller['why']}"
        if dag["hidden_breaking"]:
            yield f"  breaks {dag['hidden_breaking']} callers that you may not see"
        if dag["catchup_runs"]:
            yield f"  {dag['catchup_runs']} runs would be due at once"
        if dag["in_flight_total"] and dag["action"] == "change":
            yield f"  {dag['in_flight_total']} runs go on with their version"
        yield from (f"  warning: {describe_fault(warning)}" for warning in dag["warnings"])


def _save_at_once(session: Session, sources: tuple[Path, ...], message: str) -> None:
    from mainspring_client.api.dags import put_dags
    from mainspring_client.models import DagsBody

    body = DagsBody.from_dict({"definitions": _texts(sources), "message": message})
    session.output.rows(session.call(put_dags, body=body)["dags"], ("dag_id", "action", "version_number"))


def _save_each(session: Session, sources: tuple[Path, ...], message: str) -> None:
    from mainspring_client.api.dags import put_dag

    def save(path: Path) -> dict[str, Any]:
        dag = session.call(put_dag, dag_id_of(path), body=read_definition(path), message=message)
        _print_warnings(path, dag.get("warnings", ()))
        return {"dag_id": dag["dag_id"], "version_number": dag["latest_dag_version"]["version_number"]}

    each_definition(session, sources, save, "{dag_id}: version {version_number}")


def each_definition(
    session: Session, sources: tuple[Path, ...], action: Callable[[Path], dict[str, Any]], pattern: str
) -> None:
    """Do `action` with each file and print its result by `pattern`.

    A refused file does not stop the next files; its faults are printed in the form of compilers, `file:line: fault`.
    """
    results = []
    for path in find_definitions(sources):
        try:
            result = {**action(path), "errors": []}
        except Rejected as exc:
            result = {"errors": _print_faults(path, str(exc), exc.faults)}
        except OSError as exc:
            result = {"errors": _print_faults(path, f"cannot be read: {exc.strerror}")}
        results.append({"file": str(path), **result})
        if session.output.is_table and not result["errors"]:
            session.output.line(pattern.format_map(result))
    if not session.output.is_table:
        session.output.rows(results, ())
    if any(result["errors"] for result in results):
        raise SystemExit(Exit.REJECTED)


def _texts(sources: tuple[Path, ...]) -> list[dict[str, Any]]:
    """The bodies of definitions for `plan_dags` and `put_dags`."""
    return [definition_text(path) for path in find_definitions(sources)]


def _parts(texts: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The definitions in as few requests as the server takes."""
    part: list[dict[str, Any]] = []
    size = 0
    for text in texts:
        length = len(text["text"].encode()) + 200
        if part and (len(part) == _REQUEST_DEFINITIONS or size + length > _REQUEST_BYTES):
            yield part
            part, size = [], 0
        part.append(text)
        size += length
    yield part


def _names(sources: tuple[Path, ...]) -> str:
    return ", ".join(map(str, sources))


def _print_warnings(path: Path, warnings: Sequence[Mapping[str, Any]]) -> None:
    for warning in warnings:
        line = "" if warning["line"] is None else f":{warning['line']}"
        click.echo(f"{path}{line}: warning: {describe_fault(warning)}", err=True)


def _print_faults(path: Path, message: str, reported: Sequence[Mapping[str, Any]] = ()) -> list[Mapping[str, Any]]:
    """Print the server's faults, or a fault with `message`, and return them."""
    faults = list(reported or [{"line": None, "pointer": "", "message": message, "hint": None}])
    for fault in faults:
        line = "" if fault["line"] is None else f":{fault['line']}"
        click.echo(f"{path}{line}: {describe_fault(fault)}", err=True)
    return faults
