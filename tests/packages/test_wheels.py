"""A user installs the built wheels and uses them. Nothing of the checkout is there."""

import zipfile
from collections.abc import Callable
from email.parser import Parser
from pathlib import Path

import pytest

from tests.packages.conftest import SECONDS_MAX, run, run_well

# A first test also installs, which waits for a package index.
pytestmark = pytest.mark.timeout(SECONDS_MAX)

IMPORT_SECONDS_MAX = 0.15


def roots(wheel: Path) -> set[str]:
    return {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def requirements(wheel: Path) -> set[str]:
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    return set(Parser().parsestr(archive.read(name).decode()).get_all("Requires-Dist", []))


def wheel(dist: Path, name: str) -> Path:
    (file,) = dist.glob(f"{name}-[0-9]*.whl")
    return file


def test_each_file_belongs_to_one_wheel(dist: Path) -> None:
    assert roots(wheel(dist, "mainspring_client")) == {"mainspring_client"}
    assert roots(wheel(dist, "mainspring")) == {
        *("mainspring", "mainspring_store", "mainspring_executors"),
        *("mainspring_scheduler", "mainspring_api", "mainspring_testing", "mainspring_cli"),
    }


def test_the_server_asks_for_the_client_of_its_version(dist: Path) -> None:
    version = wheel(dist, "mainspring").name.split("-")[1]
    assert f"mainspring-client=={version}" in requirements(wheel(dist, "mainspring"))


def test_the_client_asks_for_httpx_and_attrs_alone(dist: Path) -> None:
    names = {line.split("<")[0].split(">")[0] for line in requirements(wheel(dist, "mainspring_client"))}
    assert names == {"httpx", "attrs"}


@pytest.mark.parametrize("name", ["mainspring", "mainspring_client"])
def test_pip_refuses_the_wheels_on_an_older_python(
    install: Callable[[str], Path], dist: Path, tmp_path: Path, name: str
) -> None:
    options = ["--no-index", "--no-deps", "--only-binary=:all:", "--dest", tmp_path]
    line = [install("mainspring-client") / "pip", "--disable-pip-version-check", "download", *options]
    file = wheel(dist, name)
    for python, is_taken in (("3.10", False), ("3.11", True), ("3.14", True)):
        ended = run([*line, "--python-version", python, file])
        assert (ended.returncode == 0) == is_taken, ended.stderr
        assert is_taken or "requires a different Python: 3.10.0 not in '>=3.11'" in ended.stderr


def test_the_client_is_imported_quickly(install: Callable[[str], Path]) -> None:
    python = install("mainspring-client") / "python"
    program = "import time; t = time.process_time(); import mainspring_client; print(time.process_time() - t)"
    spent = min(float(run_well([python, "-c", program])) for _ in range(5))
    assert spent <= IMPORT_SECONDS_MAX


def test_a_newcomer_sees_the_example_succeed(install: Callable[[str], Path], tmp_path: Path) -> None:
    shown = run_well([install("mainspring") / "mainspring", "demo"], folder=tmp_path, HOME=str(tmp_path))
    assert "State    success" in shown


def test_a_database_without_its_driver_is_refused_with_the_command_that_helps(
    install: Callable[[str], Path], tmp_path: Path
) -> None:
    mainspring = install("mainspring") / "mainspring"
    for name, value, extra in (
        ("MAINSPRING_DATABASE_URL", "postgresql+psycopg://localhost/x", "postgres"),
        ("MAINSPRING_REDIS_URL", "redis://localhost", "rq"),
    ):
        ended = run([mainspring, "up"], folder=tmp_path, MAINSPRING_HOME=str(tmp_path / "home"), **{name: value})
        assert ended.returncode == 78
        assert f"pip install 'mainspring[{extra}]'" in ended.stderr
