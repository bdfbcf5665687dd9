"""`mainspring dags lint`: the checks of a definition that need no server."""

from pathlib import Path
from typing import Any

import click

from mainspring.errors import InvalidDag, Problem
from mainspring_cli.client.annotations import escaped, escaped_property
from mainspring_cli.client.definition_files import dag_id_of, find_definitions, yaml_of
from mainspring_cli.client.exits import Exit
from mainspring_cli.client.output import Output, with_output
from mainspring_cli.client.terminal_text import printable

__all__ = ["lint"]


@click.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--strict", "is_strict", is_flag=True, help="End with 6 also for warnings.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "github", "gitlab"]),
    default="text",
    show_default=True,
    help="Annotations of GitHub Actions, or a code quality report of GitLab, in place of lines for people.",
)
@with_output
def lint(output: Output, sources: tuple[Path, ...], is_strict: bool, form: str) -> None:
    """Check the definitions in SOURCES without a server and without a token.

    Pools, secrets, connections and other DAGs are not checked: the server knows them. Ends with 6 when a definition has
    a fault.
    """
    findings = [finding for path in find_definitions(sources) for finding in _findings(path)]
    if form == "gitlab":
        Output("json").rows(map(_gitlab, findings), ())
    elif form == "github":
        for finding in findings:
            click.echo(_github(finding))
    elif output.is_table:
        for finding in findings:
            click.echo(_text(finding), err=True)
    else:
        output.rows(findings, ())
    if any(is_strict or finding["severity"] == "error" for finding in findings):
        raise SystemExit(Exit.REJECTED)


def _findings(path: Path) -> list[dict[str, Any]]:
    from mainspring.definition import find_warnings, parse_definition, with_lines

    try:
        text = yaml_of(path)
    except OSError as exc:
        return [_finding(path, "error", Problem(pointer="", message=f"cannot be read: {exc.strerror}"))]
    try:
        definition = parse_definition(text, media="yaml", dag_id=dag_id_of(path))
    except InvalidDag as exc:
        return [_finding(path, "error", problem) for problem in exc.problems]
    warnings = with_lines(find_warnings(definition, is_strict=True), text, media="yaml")
    return [_finding(path, "warning", problem) for problem in warnings]


def _finding(path: Path, severity: str, problem: Problem) -> dict[str, Any]:
    return {
        "file": str(path),
        "line": problem.line,
        "severity": severity,
        "code": problem.code,
        "pointer": problem.pointer,
        "message": problem.message,
        "hint": problem.hint,
    }


def _text(finding: dict[str, Any]) -> str:
    line = "" if finding["line"] is None else f":{finding['line']}"
    return f"{finding['file']}{line}: {finding['severity']}: {_sentence(finding)} [{finding['code']}]"


def _sentence(finding: dict[str, Any]) -> str:
    hint = f" ({finding['hint']})" if finding["hint"] else ""
    return printable(f"{finding['pointer'] or '/'}: {finding['message']}{hint}")


def _github(finding: dict[str, Any]) -> str:
    """A workflow command; its text is escaped, so that a definition cannot give commands."""
    place = f"file={escaped_property(finding['file'])},line={finding['line'] or 1}"
    title = escaped_property(finding["code"])
    return f"::{finding['severity']} {place},title={title}::{escaped(_sentence(finding))}"


def _gitlab(finding: dict[str, Any]) -> dict[str, Any]:
    from hashlib import sha256

    identity = "\0".join(str(finding[name]) for name in ("file", "code", "pointer", "message"))
    return {
        "description": _sentence(finding),
        "check_name": finding["code"],
        "fingerprint": sha256(identity.encode()).hexdigest(),
        "severity": "major" if finding["severity"] == "error" else "minor",
        "location": {"path": finding["file"], "lines": {"begin": finding["line"] or 1}},
    }
