"""Tasks that wait, through real processes: a condition that comes true, a person, a run of another DAG, a restart."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from tests.acceptance.server import started, until

CHILD = """
dag_id: child
params: {type: object, properties: {choice: {type: string}}}
tasks:
  echo: {type: shell, env: {CHOICE: "${{ params.choice }}"}, script: 'echo "said=$CHOICE" >> "$MAINSPRING_OUTPUT"'}
outputs: {said: "${{ tasks.echo.outputs.said }}"}
"""
PARENT = """
dag_id: parent
tasks:
  pause: {type: wait, for: 100ms}
  ready: {type: wait, depends_on: [pause], http: {url: "URL", expected_status: [200]}, interval: 1s, timeout: 60s}
  ask: {type: approval, depends_on: [ready], message: "Go on?", choices: [yes_please, reject]}
  call: {type: dag, depends_on: [ask], dag_id: child, conf: {choice: "${{ tasks.ask.outputs.choice }}"}}
outputs: {said: "${{ tasks.call.outputs.said }}"}
"""


@contextmanager
def ready_at_the_third_request() -> Iterator[tuple[str, list[int]]]:
    """The URL of a server that answers 503 twice and then 200, and what it has answered."""
    answered: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answered.append(503 if len(answered) < 2 else 200)
            self.send_response(answered[-1])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", answered
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_run_waits_for_time_for_a_service_for_a_person_and_for_another_run(tmp_path: Path) -> None:
    with ready_at_the_third_request() as (url, answered), started(tmp_path / "home", http_allow="127.0.0.1") as server:
        server.put_dag(CHILD)
        server.put_dag(PARENT.replace("URL", url))
        path = server.trigger("parent")
        until(lambda: server.client.get("/approvals")["total_entries"] == 1, "the question")
        assert answered == [503, 503, 200]
        assert "-> 200" in server.log(path, "ready")
        # What waits is in the database alone: the scheduler that asked need not be the one that goes on.
        asked_by = server.pid_of("scheduler")
        os.kill(asked_by, signal.SIGKILL)
        server.client.post(f"{path}/taskInstances/ask/approval", {"choice": "yes_please"})
        run = server.wait(path)
        assert (run["state"], run["outputs"]) == ("success", {"said": "yes_please"})
        assert {one["try_number"] for one in server.instances(path).values()} == {1}
