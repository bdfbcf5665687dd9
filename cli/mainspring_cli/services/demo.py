"""`mainspring demo`: an example pipeline with its figures, over HTTP like every client."""

import functools
import http.server
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import mainspring_cli
from mainspring_api.http.credential_files import admin_token_path
from mainspring_cli.client.plain_client import ApiError, Client
from mainspring_cli.client.progress import open_progress
from mainspring_cli.config import ConfigError
from mainspring_cli.services.page_announcement import sign_in_link
from mainspring_cli.services.supervisor import follow_parent

__all__ = ["packaged_example", "run_demo"]

_EXAMPLE = "weather_sales"
_RUN_SECONDS_MAX = 120.0
_POLL_SECONDS = 0.1
_STOP_SECONDS = 60.0
_LOG_LINES = 20
_WEEK_DAYS = 7
_FAILING_AGE = 2
"""Days since the day whose run fails."""
_FAILING_CONF = {"test_from": "2100-01-01"}
"""No day is left that the model could be tested on."""
_FAILED = ("failed", "upstream_failed")


def packaged_example() -> Path:
    """The example that comes with Mainspring: a part of the wheel, or a folder of the checkout."""
    package = Path(mainspring_cli.__file__).parent
    installed = package / "examples" / _EXAMPLE
    return installed if installed.is_dir() else package.parents[1] / "examples" / _EXAMPLE


def run_demo(example: Path, *, executor: str, port: int, keep: bool) -> int:
    """Start a server, save the example's DAG, run the DAG and show the run; returns 0 when the run succeeded.

    example: a folder with `dag.yaml`, its input in `data/` and its Python functions in `code/`.
    keep: run the DAG for each day of the last week too, and go on serving afterwards, until Ctrl-C.
    """
    if not (example / "dag.yaml").is_file():
        raise ConfigError([f"{example}: no dag.yaml there; name a folder such as examples/weather_sales"])
    home = Path(tempfile.mkdtemp(prefix="mainspring-demo-"))
    try:
        with _files_served(example / "data") as source, _mainspring_up(example, home, source, executor, port) as server:
            print(f"API      {server.client.url}")
            state = _run(server.client, example, source)
            if keep:
                _run_week(server.client, example, source)
                _announce(server.client.url.removesuffix("/api/v2"), home)
                server.process.wait()
            return 0 if state == "success" else 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _run(client: Client, example: Path, source: str) -> str:
    """Save the DAG, trigger a run, show the run to its end; returns the run's state."""
    started = time.monotonic()
    dag = client.put_yaml(f"/dags/{example.name}", (example / "dag.yaml").read_bytes())
    run = client.post(f"/dags/{dag['dag_id']}/dagRuns", {"logical_date": None, "conf": {"source": source}})
    path = f"/dags/{dag['dag_id']}/dagRuns/{run['dag_run_id']}"
    print(f"Run      {path}", flush=True)
    instances = _follow(client, path)
    run = client.get(path)
    print(f"State    {run['state']} after {time.monotonic() - started:.2f} s")
    for instance in instances:
        if instance["state"] == "failed":
            _print_failure(client, path, instance)
    _print_outputs(run.get("outputs") or {})
    return str(run["state"])


def _run_week(client: Client, example: Path, source: str) -> None:
    """Run the DAG for each day of the last week, and wait for the ends; the run of one day fails."""
    path = f"/dags/{example.name}/dagRuns"
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for age in range(_WEEK_DAYS, 0, -1):
        date = (today - timedelta(days=age)).isoformat()
        conf = {"source": source, **(_FAILING_CONF if age == _FAILING_AGE else {})}
        client.post(path, {"logical_date": date, "run_after": date, "conf": conf})
    print(f"Week     {_WEEK_DAYS} runs, one of which fails", flush=True)
    deadline = time.monotonic() + _RUN_SECONDS_MAX
    while time.monotonic() < deadline:
        if client.get(f"{path}?state=queued&state=running")["total_entries"] == 0:
            return
        time.sleep(_POLL_SECONDS)


def _announce(url: str, home: Path) -> None:
    """Print where the page is; on a terminal, which a person reads, also a link that logs in."""
    print(f"Page     {url}/")
    if sys.stdout.isatty():
        print(f"Log in   {sign_in_link(url, home)} (valid once, for 10 minutes)")
    print(f"Still serving. Token: {admin_token_path(home)}. Ctrl-C stops it.", flush=True)


def _follow(client: Client, path: str) -> Sequence[Mapping[str, Any]]:
    """Show the run until it has ended; returns the task instances at the end."""
    progress = open_progress()
    deadline = time.monotonic() + _RUN_SECONDS_MAX
    try:
        while time.monotonic() < deadline:
            # Asked before the instances: after the answer says that the run has ended, the instances are final.
            state = client.get(path)["state"]
            instances: Sequence[Mapping[str, Any]] = client.get(f"{path}/taskInstances")["task_instances"]
            progress.show(instances)
            if state in ("success", "failed"):
                return instances
            time.sleep(_POLL_SECONDS)
    finally:
        progress.close()
    raise ApiError(f"{path}: not over after {_RUN_SECONDS_MAX:.0f} s")


def _print_failure(client: Client, path: str, instance: Mapping[str, Any]) -> None:
    task_id, try_number = instance["task_id"], instance["try_number"]
    log = client.get(f"{path}/taskInstances/{task_id}/logs/{try_number}?full_content=true")
    print(
        f"\n{task_id} failed at try {try_number}: {instance.get('message') or 'no reason given'}. The end of its log:"
    )
    for entry in log["content"][-_LOG_LINES:]:
        print(f"  {entry['event']}")


def _print_outputs(outputs: Mapping[str, Any]) -> None:
    for name, value in outputs.items():
        for key, item in value.items() if isinstance(value, dict) else [("", value)]:
            text = f"{item:.4g}" if isinstance(item, float) else item
            print(f"  {name}{'.' if key else ''}{key} = {text}")


@dataclass(frozen=True, kw_only=True)
class _Server:
    process: subprocess.Popen[str]
    client: Client


@contextmanager
def _mainspring_up(example: Path, home: Path, source: str, executor: str, port: int) -> Iterator[_Server]:
    """`mainspring up` with a home of its own; stopped at the end."""
    environment = {
        **os.environ,
        "MAINSPRING_HOME": str(home),
        "MAINSPRING_PORT": str(port),
        "MAINSPRING_EXECUTOR": executor,
        "MAINSPRING_CODE_PATH": str(example / "code"),
        "MAINSPRING_HTTP_ALLOW": source.removeprefix("http://"),
    }
    log = home / "up.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "mainspring_cli", "up"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=follow_parent(os.getpid()),
        )
    try:
        assert process.stdout is not None
        announced = process.stdout.readline().split()
        if len(announced) < 3:
            raise ApiError(f"mainspring up ended (exit code {process.wait()}):\n{log.read_text()}")
        token = admin_token_path(home).read_text(encoding="ascii").strip()
        yield _Server(process=process, client=Client(url=announced[2], token=token))
    except ApiError:
        sys.stderr.write(log.read_text())
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def _files_served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of loopback; gives its address."""
    handler = functools.partial(_QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass
