"""A user packs the TypeScript client and uses it from a fresh project."""

import json
from pathlib import Path

import pytest

from clients import generate
from tests.packages.conftest import SECONDS_MAX, run_well

pytestmark = pytest.mark.timeout(SECONDS_MAX)

PROGRAM = """
import { createMainspringClient, MainspringError, type Definition } from "mainspring-client";

const definition: Definition = { tasks: { extract: { type: "shell", script: "true" } } };
const client = createMainspringClient({ baseUrl: "http://127.0.0.1:9", token: "none" });
console.log(typeof client.GET, Object.keys(definition.tasks ?? {}).join(), MainspringError.name);
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the packed client and the TypeScript compiler are installed."""
    generate.install_node_packages()
    folder = tmp_path_factory.mktemp("project")
    packed = npm("pack", "--json", "--pack-destination", str(folder), folder=generate.TYPESCRIPT)
    # What `prepare` prints stands before the JSON.
    (package,) = json.loads(packed[packed.index("[") :])
    names = {file["path"] for file in package["files"]}
    assert {"dist/index.js", "dist/index.d.ts", "package.json", "README.md"} <= names
    assert not [name for name in names if name.startswith(("test", "node_modules"))]
    (folder / "package.json").write_text(json.dumps({"name": "user", "private": True, "type": "module"}))
    npm("install", "--silent", "--ignore-scripts", str(folder / package["filename"]), "typescript@5.9.3", folder=folder)
    (folder / "use.ts").write_text(PROGRAM)
    return folder


def npm(*arguments: str, folder: Path) -> str:
    node = generate.node()
    return run_well([*generate.npm(node), *arguments], folder=folder, PATH=f"{node.parent}:/usr/bin:/bin")


def test_a_fresh_project_compiles_and_runs(project: Path) -> None:
    options = [
        "--strict",
        "--module",
        "nodenext",
        "--target",
        "es2022",
        "--skipLibCheck",
        "false",
        "--lib",
        "es2022,dom",
    ]
    run_well(
        [generate.node(), project / "node_modules" / "typescript" / "bin" / "tsc", *options, "use.ts"], folder=project
    )
    assert run_well([generate.node(), "use.js"], folder=project).split() == ["function", "extract", "MainspringError"]


def test_the_package_needs_nothing_of_node(project: Path) -> None:
    """A browser has no modules of Node.js."""
    source = (project / "node_modules" / "mainspring-client" / "dist" / "index.js").read_text()
    assert "node:" not in source
    assert "require(" not in source
