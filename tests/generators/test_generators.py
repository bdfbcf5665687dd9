"""Generators that are not ours make clients that compile and run a DAG from its definition to its outputs."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.acceptance.server import Server
from tests.generators.conftest import HERE, VERSIONS, Tools, copied
from tests.packages.conftest import run_well

pytestmark = pytest.mark.timeout(240)

JAVA_LIBRARIES = (
    *("gson", "gson-fire", "okhttp", "logging-interceptor", "okio", "commons-lang3", "jakarta.annotation-api"),
    *("jackson-databind-nullable", "jsr305", "jakarta.ws.rs-api"),
)
JAVA_FOLDERS = (Path.home() / ".m2" / "repository", Path("/usr/share/java"))
IMPORT_ALL = """
import importlib, pkgutil, openapi_client
for module in pkgutil.walk_packages(openapi_client.__path__, "openapi_client."):
    importlib.import_module(module.name)
"""
each_version = pytest.mark.parametrize("version", VERSIONS)


def goes_the_whole_way(server: Server, program: Sequence[str | Path], folder: Path) -> None:
    address = server.client.url.removesuffix("/api/v2")
    printed = run_well([*program, address, server.client.token], folder=folder)
    state, was_read, outputs = printed.strip().replace("'", '"').split(" ", 2)
    assert (state, was_read.lower(), outputs.replace(" ", "")) == ("success", "true", '{"rows":3}')


@each_version
def test_a_python_client(server: Server, tools: Tools, generated: Path, version: str) -> None:
    folder = generated / f"python-{version}"
    run_well([tools.python, "-W", "error", "-c", IMPORT_ALL], folder=folder)
    goes_the_whole_way(server, [tools.python, copied("whole_way.py", folder)], folder)


@each_version
def test_a_client_of_typescript_fetch(server: Server, tools: Tools, generated: Path, version: str) -> None:
    folder = generated / f"typescript-fetch-{version}"
    (folder / "client").mkdir()
    for name in ("apis", "models", "index.ts", "runtime.ts"):
        shutil.move(folder / name, folder / "client")
    tools.compile_typescript(copied("typescript_fetch.ts", folder))
    goes_the_whole_way(server, [tools.node, "typescript_fetch.js"], folder)


@each_version
def test_a_client_of_openapi_ts(server: Server, tools: Tools, documents: Path, tmp_path: Path, version: str) -> None:
    generator = tools.node_program("@hey-api/openapi-ts", "bin/run.js")
    options = ["--input", documents / VERSIONS[version], "--output", tmp_path / "client", "--silent"]
    run_well([*generator, *options], folder=tmp_path)
    tools.compile_typescript(copied("hey_api.ts", tmp_path))
    goes_the_whole_way(server, [tools.node, "hey_api.js"], tmp_path)


@each_version
def test_models_of_datamodel_code_generator(tools: Tools, documents: Path, tmp_path: Path, version: str) -> None:
    options = [
        "--input-file-type",
        "openapi",
        "--output-model-type",
        "pydantic_v2.BaseModel",
        "--formatters",
        "builtin",
    ]
    source = ["--input", documents / VERSIONS[version], "--output", "models.py", "--target-python-version", "3.11"]
    run_well([tools.python, "-m", "datamodel_code_generator", *source, *options], folder=tmp_path)
    program = (
        "import models; task = {'type': 'shell', 'script': 'true'}; "
        "print(models.Definition(tasks={'read': task}).model_dump(exclude_none=True)['tasks']['read']['script'])"
    )
    assert run_well([tools.python, "-W", "error", "-c", program], folder=tmp_path) == "true\n"


@each_version
def test_a_go_client(server: Server, generated: Path, version: str) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is not installed")
    folder = generated / f"go-{version}"
    module = "module generated\n\ngo 1.18\n\nrequire gopkg.in/validator.v2 v2.0.1\n\n"
    (folder / "go.mod").write_text(f"{module}replace gopkg.in/validator.v2 => {HERE / 'validator'}\n")
    (folder / "whole_way").mkdir()
    program = copied("main.go", folder / "whole_way").parent
    run_well([go, "build", "-o", "program", program], folder=folder, GOFLAGS="-mod=mod", GOPROXY="off", GOSUMDB="off")
    goes_the_whole_way(server, [folder / "program"], folder)


@each_version
def test_a_java_client(generated: Path, tmp_path: Path, version: str) -> None:
    sources = list((generated / f"java-{version}" / "src" / "main").rglob("*.java"))
    assert sources
    compiler = shutil.which("javac")
    if compiler is None:
        pytest.skip("the client was generated, but there is no Java compiler")
    jars = {name: _newest_jar(name) for name in JAVA_LIBRARIES}
    if missing := [name for name, jar in jars.items() if jar is None]:
        pytest.skip(f"the client was generated; libraries to compile it are missing: {', '.join(missing)}")
    (tmp_path / "sources").write_text("\n".join(f'"{source}"' for source in sources))
    path = ":".join(str(jar) for jar in jars.values())
    run_well([compiler, "-proc:none", "-nowarn", "-cp", path, "-d", tmp_path / "classes", f"@{tmp_path / 'sources'}"])


def _newest_jar(name: str) -> Path | None:
    jars = [jar for folder in JAVA_FOLDERS if folder.is_dir() for jar in folder.rglob(f"{name}*.jar")]
    fitting = [jar for jar in jars if jar.stem == name or jar.stem.removeprefix(f"{name}-")[:1].isdigit()]
    return max(fitting, default=None)
