"""`mainspring test`: run a DAG in this process, without a server."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from mainspring.errors import InvalidInput
from mainspring_cli.client.conf_input import read_conf, with_conf
from mainspring_cli.client.exits import Exit, describe_fault
from mainspring_cli.client.output import Output, with_output
from mainspring_cli.client.parameters import DURATION
from mainspring_cli.client.terminal_text import printable

if TYPE_CHECKING:
    from mainspring_testing import RunResult

__all__ = ["test"]

_LOG_LINES = 20
"""Of each task that failed."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_conf
@click.option("-t", "--task", help="Run only this task; the tasks above it end with their stubs.")
@click.option(
    "--stub",
    "stubs",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="YAML or JSON: task id -> outputs that stand for its work (for a mapped task a list of them).",
)
@click.option(
    "--code-path", type=click.Path(path_type=Path, exists=True), multiple=True, help="Folder of Python callables."
)
@click.option("--timeout", type=DURATION, default=600.0, show_default="10m", help="How long to run at most.")
@with_output
def test(
    file: Path,
    params: tuple[str, ...],
    conf: str | None,
    task: str | None,
    stubs: Path | None,
    code_path: tuple[Path, ...],
    timeout: float,
    output: Output,
) -> None:
    """Run the DAG in FILE once, in this process: no server, no token, nothing left afterwards.

    Conditions and expressions are real; waits and pauses before retries take no time. Ends as `run --wait` does: 0
    success, 1 failed, 4 not ended, 6 a fault in the definition or the params.
    """
    from mainspring_testing import run_dag

    try:
        result = run_dag(
            file, read_conf(params, conf), task=task, stubs=_read_stubs(stubs), code_path=code_path, timeout=timeout
        )
    except InvalidInput as exc:
        for problem in exc.problems:
            line = "" if problem.line is None else f":{problem.line}"
            fault = {"pointer": problem.pointer, "message": problem.message, "hint": problem.hint}
            click.echo(f"{file}{line}: {describe_fault(fault)}", err=True)
        raise SystemExit(Exit.REJECTED) from exc
    _show(result, output)
    raise SystemExit(result.exit_code)


def _read_stubs(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        stubs = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError) as exc:
        raise click.UsageError(f"{path}: cannot be read: {exc}") from exc
    if not isinstance(stubs, dict) or not all(isinstance(value, dict | list | None) for value in stubs.values()):
        raise click.UsageError(f"{path}: must be an object of task id -> outputs")
    return {str(name): outputs for name, outputs in stubs.items()}


def _show(result: "RunResult", output: Output) -> None:
    if not output.is_table:
        output.item(_document(result))
        return
    for line in result.tree():
        output.line(line)
    for task in result.tasks:
        if task.state == "failed" and task.log:
            click.echo(f"\n{task.name}:", err=True)
            for line in task.log.splitlines()[-_LOG_LINES:]:
                click.echo(f"  {printable(line)}", err=True)
    if result.outputs:
        output.line("")
        output.item({"outputs": dict(result.outputs)}, ["outputs"])


def _document(result: "RunResult") -> dict[str, Any]:
    return {
        "dag_id": result.dag_id,
        "state": str(result.state),
        "state_reason": result.state_reason,
        "message": result.message,
        "exit_code": result.exit_code,
        "params": dict(result.params),
        "outputs": dict(result.outputs),
        "tasks": [
            {
                "task_id": task.task_id,
                "map_index": task.map_index,
                "state": str(task.state),
                "state_reason": task.state_reason,
                "message": task.message,
                "exit_code": task.exit_code,
                "outputs": dict(task.outputs),
                "log": task.log,
            }
            for task in result.tasks
        ],
    }
