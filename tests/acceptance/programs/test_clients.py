"""The generated clients go the whole way of a DAG against a server, and their readmes say what is true."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import generate
from mainspring_client import (
    ApiError,
    AuthenticatedClient,
    iterate,
    iterate_async,
    run_and_wait,
    run_and_wait_async,
)
from mainspring_client.api.dag_runs import get_dag_runs, trigger_dag_run, wait_dag_run_until_finished
from mainspring_client.api.dags import delete_dag, get_dag, get_dag_definition, get_dags, put_dag, validate_dag
from mainspring_client.api.logs import get_log
from mainspring_client.api.xcoms import get_xcom_entry
from mainspring_client.models import (
    DagRunState,
    DefaultArgs,
    Definition,
    Environment,
    JsonObject,
    NoopTask,
    Outputs,
    RetryAction,
    RetryRule,
    ShellTask,
    StateReason,
    Tasks,
    TriggerBody,
    TriggerRule,
)
from mainspring_client.types import File
from tests.acceptance.server import Server, started
from tests.services.environment import child_environment

CLIENTS = Path(__file__).parents[3] / "clients"
DEFINITION = Definition(
    default_args=DefaultArgs(
        retries=0, retry_policy=[RetryRule(action=RetryAction.FAIL, reason=[StateReason.EXIT_CODE])]
    ),
    tasks=Tasks(
        {
            "extract": ShellTask(
                type_="shell",
                env=Environment({"ROWS": "${{ conf.rows }}"}),
                script='echo "reading $ROWS rows"; echo "rows=$ROWS" >> "$MAINSPRING_OUTPUT"',
            ),
            "check": NoopTask(type_="noop", depends_on=["extract"], trigger_rule=TriggerRule.ALL_DONE),
        }
    ),
    outputs=Outputs({"rows": "${{ tasks.extract.outputs.rows }}"}),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(tmp_path_factory.mktemp("server") / "home") as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[AuthenticatedClient]:
    with AuthenticatedClient(base_url=_address(server), token=server.client.token) as client:
        yield client


def test_python_goes_the_whole_way(client: AuthenticatedClient) -> None:
    assert put_dag.sync("typed", client=client, body=DEFINITION).dag_id == "typed"
    trigger = TriggerBody(dag_run_id="one", conf=JsonObject({"rows": 7}))
    assert trigger_dag_run.sync("typed", client=client, body=trigger).dag_run_id == "one"
    end = wait_dag_run_until_finished.sync("typed", "one", client=client, interval=1, timeout=60)
    assert end.state is DagRunState.SUCCESS
    assert end.outputs == JsonObject({"rows": 7})
    log = get_log.sync("typed", "one", "extract", 1, client=client, full_content=True)
    assert "reading 7 rows" in str(log.content)
    assert get_xcom_entry.sync("typed", "one", "extract", "rows", client=client).value == 7
    listed = get_dag_runs.sync("typed", client=client, state=[DagRunState.SUCCESS, DagRunState.FAILED])
    assert [run.dag_run_id for run in listed.dag_runs] == ["one"]
    read = get_dag_definition.sync("typed", client=client)
    assert read.tasks["check"] == DEFINITION.tasks["check"]
    assert delete_dag.sync("typed", client=client) is None


def test_python_sends_yaml_as_it_is(client: AuthenticatedClient) -> None:
    with (CLIENTS.parent / "examples" / "weather_sales" / "dag.yaml").open("rb") as source:
        checked = validate_dag.sync(client=client, body=File(payload=source))
    assert (checked.valid, checked.dag_id) == (True, "weather_sales")


def test_python_raises_what_the_server_refuses(client: AuthenticatedClient, server: Server) -> None:
    with pytest.raises(ApiError, match=r"404 Not Found: .*'nothing'") as missing:
        get_dag.sync("nothing", client=client)
    assert missing.value.code == "not_found"
    unknown = Definition(tasks=Tasks({"a": NoopTask(type_="noop", depends_on=["aa"])}))
    with pytest.raises(ApiError, match=re.escape("did you mean 'a'?")) as invalid:
        put_dag.sync("wrong", client=client, body=unknown)
    assert invalid.value.problem is not None
    assert invalid.value.problem.errors
    assert invalid.value.problem.errors[0].pointer == "/tasks/a/depends_on/0"
    trigger = TriggerBody(dag_run_id="twice")
    put_dag.sync("twice", client=client, body=DEFINITION)
    trigger_dag_run.sync("twice", client=client, body=trigger)
    with pytest.raises(ApiError, match=r"409 Conflict: dag 'twice' has a run 'twice' already"):
        trigger_dag_run.sync("twice", client=client, body=trigger)
    with AuthenticatedClient(base_url=_address(server), token="nobody") as stranger:
        refused = get_dag.sync_detailed("nothing", client=stranger)
    assert refused.status_code is HTTPStatus.FORBIDDEN


def test_python_takes_an_answer_of_somebody_else_for_an_error() -> None:
    def proxy(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503, text="<html>upstream is gone</html>")

    client = AuthenticatedClient(
        base_url="http://proxy", token="t", httpx_args={"transport": httpx.MockTransport(proxy)}
    )
    with pytest.raises(ApiError, match="503 Service Unavailable: <html>upstream is gone</html>") as refused:
        get_dag.sync("etl", client=client)
    assert (refused.value.problem, refused.value.code) == (None, None)


def test_a_call_that_waits_ends_with_the_run(client: AuthenticatedClient) -> None:
    put_dag.sync("awaited", client=client, body=DEFINITION)
    run = run_and_wait("awaited", {"conf": {"rows": 5}}, client=client)
    assert (run.is_finished, run.state, run.outputs) == (True, DagRunState.SUCCESS, JsonObject({"rows": 5}))


def test_a_call_that_waits_ends_at_its_time_limit(client: AuthenticatedClient) -> None:
    put_dag.sync("resting", client=client, body={"tasks": {"a": {"type": "noop"}}, "is_paused_upon_creation": True})
    run = run_and_wait("resting", client=client, timeout=0.2)
    assert (run.is_finished, run.state) == (False, DagRunState.QUEUED)


def test_a_lost_answer_to_a_call_that_waits_makes_no_second_run(client: AuthenticatedClient, server: Server) -> None:
    put_dag.sync("lossy", client=client, body={"tasks": {"a": {"type": "noop"}}})
    transport = _LosingAnswers(2)
    with httpx.Client(
        base_url=_address(server), headers={"Authorization": f"Bearer {server.client.token}"}, transport=transport
    ) as lossy:
        run = run_and_wait("lossy", client=AuthenticatedClient(_address(server), token="").set_httpx_client(lossy))
    assert (run.state, transport.lost) == (DagRunState.SUCCESS, 2)
    assert [each.dag_run_id for each in iterate(get_dag_runs, "lossy", client=client)] == [run.dag_run_id]


def test_a_call_that_waits_raises_what_the_server_refuses(client: AuthenticatedClient) -> None:
    with pytest.raises(ApiError, match="404"):
        run_and_wait("nothing", client=client)


def test_calls_without_blocking_wait_and_read_pages_too(server: Server) -> None:
    async def runs() -> list[str]:
        async with AuthenticatedClient(base_url=_address(server), token=server.client.token) as client:
            await put_dag.asyncio("many", client=client, body={"tasks": {"a": {"type": "noop"}}})
            for number in range(3):
                run = await run_and_wait_async("many", {"dag_run_id": f"run-{number}"}, client=client)
                assert run.is_finished
            return [run.dag_run_id async for run in iterate_async(get_dag_runs, "many", client=client, page_size=2)]

    assert asyncio.run(runs()) == ["run-0", "run-1", "run-2"]


@pytest.mark.parametrize("page_size", [1, 2, 100])
def test_pages_by_offset_are_read_to_the_end(client: AuthenticatedClient, page_size: int) -> None:
    for dag_id in ("page_a", "page_b", "page_c"):
        put_dag.sync(dag_id, client=client, body={"tasks": {"a": {"type": "noop"}}})
    listed = iterate(get_dags, client=client, page_size=page_size, dag_id_prefix_pattern="page_")
    assert [dag.dag_id for dag in listed] == ["page_a", "page_b", "page_c"]


def test_a_dict_stands_for_a_model_at_any_depth(client: AuthenticatedClient) -> None:
    tasks = {"a": NoopTask(type_="noop"), "b": {"type": "noop", "depends_on": ["a"]}}
    bodies: list[Any] = [{"tasks": tasks}, Definition(tasks=Tasks(tasks)), Definition(tasks=tasks)]  # type: ignore[arg-type]
    hashes = {put_dag.sync("mixed", client=client, body=body).latest_dag_version.content_hash for body in bodies}  # type: ignore[union-attr]
    assert len(hashes) == 1


class _LosingAnswers(httpx.HTTPTransport):
    """Loses the answers to the first requests."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.lost = 0
        self._count = count

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if self.lost < self._count:
            self.lost += 1
            response.close()
            raise httpx.ReadError("the answer is lost")
        return response


def test_typescript_goes_the_whole_way(server: Server) -> None:
    source = (CLIENTS / "typescript" / "test" / "flow.ts").read_text()
    assert _run_typescript("flow", source, server) == "done\n"


def test_typescript_follows_events_through_cuts(server: Server) -> None:
    source = (CLIENTS / "typescript" / "test" / "events.ts").read_text()
    assert _run_typescript("events", source, server) == "followed\n"


def test_the_readme_of_the_python_client_works_as_written(server: Server, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (CLIENTS / "python" / "README.md").read_text(), flags=re.DOTALL)
    program = tmp_path / "example.py"
    program.write_text(code.replace("http://127.0.0.1:8080", _address(server)))
    answer = subprocess.run([sys.executable, program], env=_environment(server), capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    told = r"queued\nrunning\nsuccess\nsuccess {'rows': 4}\n(manual__\S+\n)+404 not_found .*\n"
    assert re.fullmatch(told, answer.stdout), answer.stdout


def test_the_readme_of_the_typescript_client_works_as_written(server: Server) -> None:
    (code,) = re.findall(r"```ts\n(.*?)```", (CLIENTS / "typescript" / "README.md").read_text(), flags=re.DOTALL)
    assert _run_typescript("readme", code.replace("http://127.0.0.1:8080", _address(server)), server) == (
        "queued\nrunning\nsuccess\nsuccess { rows: 3 }\n"
    )


def _run_typescript(name: str, source: str, server: Server) -> str:
    """Check and run a program that imports the package by its name; returns what it printed."""
    generate.install_node_packages()
    package, node = CLIENTS / "typescript", generate.node()
    compiler = [node, "node_modules/typescript/bin/tsc"]
    program = package / "dist" / "programs" / f"{name}.ts"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(source)
    options = ["--target", "ES2022", "--module", "NodeNext", "--strict", "--skipLibCheck", "--types", "node"]
    for line in (compiler, [*compiler, *options, program], [node, program.with_suffix(".js")]):
        answer = subprocess.run(line, cwd=package, env=_environment(server), capture_output=True, text=True)
        assert answer.returncode == 0, f"{line}:\n{answer.stdout}{answer.stderr}"
    return answer.stdout


def _address(server: Server) -> str:
    return server.client.url.removesuffix("/api/v2")


def _environment(server: Server) -> dict[str, str]:
    return child_environment(MAINSPRING_URL=_address(server), MAINSPRING_TOKEN=server.client.token)
