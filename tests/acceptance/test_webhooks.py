"""The examples of docs/webhooks.md, run as they are written against a real server."""

import json
import re
import subprocess
from pathlib import Path

from tests.acceptance.server import Server
from tests.services.environment import child_environment

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")


def test_a_delivery_as_the_page_shows_it_starts_one_run(shared_server: Server, tmp_path: Path) -> None:
    part = PAGE.partition("## Webhooks in\n")[2].partition("\n## ")[0]
    (script,) = re.findall(r"```bash\n(.*?)```", part, flags=re.DOTALL)
    address = shared_server.client.url.removeprefix("http://").removesuffix("/api/v2")
    token = shared_server.home / "admin-token"
    answer = subprocess.run(
        ["bash", "-euc", script.replace("127.0.0.1:8080", address).replace(".mainspring/admin-token", str(token))],
        env=child_environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    decoder = json.JSONDecoder()
    first, end = decoder.raw_decode(answer.stdout)
    second, length = decoder.raw_decode(answer.stdout[end:])
    assert (first["outcome"], second["outcome"]) == ("run", "duplicate")
    assert first["dag_run_id"] == second["dag_run_id"]
    listed = json.loads(answer.stdout[end + length :])["deliveries"]
    assert [delivery["outcome"] for delivery in listed] == ["duplicate", "run"]
    run = shared_server.wait(f"/dags/deploy/dagRuns/{first['dag_run_id']}")
    assert (run["state"], run["conf"]) == ("success", {"ref": "refs/heads/main"})
    path = json.loads((tmp_path / "hook.json").read_text())["path"]
    assert path.rpartition("/")[2] not in shared_server.errors()
