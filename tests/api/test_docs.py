"""The page about the API is true: its example runs, and no operation is missing."""

import re
import subprocess
from pathlib import Path

from mainspring_api.app import document
from mainspring_api.http.problems import TITLES
from tests.acceptance.server import started
from tests.services.environment import child_environment

IDENTITY = (Path(__file__).parents[2] / "docs" / "identity.md").read_text()
PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


def output_of_example(page: str, folder: Path) -> str:
    (script,) = re.findall(r"```bash\n(.*?)```", page, flags=re.DOTALL)
    with started(folder / ".mainspring") as server:
        address = server.client.url.removeprefix("http://").removesuffix("/api/v2")
        answer = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script.replace("127.0.0.1:8080", address)],
            env=child_environment(),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def test_the_example_works_as_written(tmp_path: Path) -> None:
    output = output_of_example(PAGE, tmp_path)
    assert '"valid":true' in output
    assert '"state":"success","state_reason":null,"message":null,"is_finished":true,"exit_code":0' in output
    assert '"outputs":{"rows":5}' in output
    assert '"event":"reading 5 rows"' in output


def test_the_example_about_identity_works_as_written(tmp_path: Path) -> None:
    output = output_of_example(IDENTITY, tmp_path)
    assert '"name":"anna","rights":[{"role":null,"grants":[{"pattern":"team_a.*","role":"author"}]}]' in output
    assert '"name":"ci"' in output
    assert output.rstrip().endswith("}")
    assert '"is_active":false' in output


def test_every_operation_is_named() -> None:
    served = {
        f"{method.upper()} {path.removeprefix('/api/v2')}"
        for path, item in document()["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert set(re.findall(r"`((?:GET|PUT|POST|PATCH|DELETE) /[^\s`]*)`", PAGE)) == served


def test_every_status_of_an_error_is_told() -> None:
    told = {
        int(code) for row in re.findall(r"^\| (\d{3}(?:, \d{3})*) \|", PAGE, re.MULTILINE) for code in row.split(",")
    }
    assert told == set(TITLES) - {500}
