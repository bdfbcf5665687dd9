"""The page while its server is killed and started again."""

import os
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.acceptance.server import descendants, started
from tests.page.conftest import player
from tests.services.ports import free_port

GATE = """
dag_id: page_gate
params: {type: object, properties: {file: {type: string, default: ""}}}
tasks:
  wait:
    type: shell
    env: {FILE: "${{ params.file }}"}
    retries: 2
    retry_delay: PT0S
    script: |
      echo "waits"
      until [ -e "$FILE" ]; do sleep 0.1; done
      echo "goes on"
"""


@pytest.mark.page
@pytest.mark.timeout(240)
def test_a_page_goes_on_after_its_server_was_killed(browser: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    home, gate, killed = tmp_path / "home", tmp_path / "open", tmp_path / "kill"
    port = str(free_port())
    is_over = threading.Event()
    with started(home, executor="local", port=port) as server:
        server.put_dag(GATE)
        run = server.trigger("page_gate", {"file": str(gate)})

        def kill_and_start_again() -> None:
            # The scenario writes the file when the page shows what it must go on with.
            while not killed.exists():
                if is_over.wait(0.05):
                    return
            for pid in [server.process.pid, *descendants(server.process.pid)]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            server.process.wait(30)
            (tmp_path / "dead").touch()
            with started(home, executor="local", port=port):
                is_over.wait()

        keeper = threading.Thread(target=kill_and_start_again)
        keeper.start()
        try:
            player(server, browser, tmp_path, run=run, gate=str(gate), kill=str(killed))(
                "a_page_goes_on_after_its_server_was_killed"
            )
        finally:
            is_over.set()
            keeper.join()
