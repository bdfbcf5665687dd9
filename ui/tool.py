"""Builds, checks and tests the web page; see docs/page.md.

Everything runs with the Node.js of clients/node.lock, never with one on PATH, so that each machine builds the same
bytes. The bundle is committed under api/mainspring_api/static: a clone needs no Node.js to serve the page.
"""

import argparse
import filecmp
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from clients.generate import install_once, locked_node  # noqa: E402

UI = ROOT / "ui"
BUNDLE = ROOT / "api" / "mainspring_api" / "static"
DOCUMENT = ROOT / "openapi" / "mainspring.json"
SCHEMA = UI / "src" / "api" / "schema.d.ts"
FIELDS = UI / "src" / "editor" / "fields.json"

TASK_SCHEMAS = tuple(f"{kind}Task" for kind in ["Shell", "Python", "Http", "Wait", "Branch", "Approval", "Dag", "Noop"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("build", "check", "test", "serve", "install"), nargs="?", default="build")
    parser.add_argument("arguments", nargs="*", help="for Vitest (test) or Vite (serve)")
    options, more = parser.parse_known_args()
    install()
    arguments = [*options.arguments, *more]
    if options.action == "build":
        types()
        build(BUNDLE)
    elif options.action == "check":
        types()
        run("vitest", "run")
        compare()
    elif options.action == "test":
        run("vitest", "run", *arguments)
    elif options.action == "serve":
        run("vite", *arguments)


def types() -> None:
    """Write the types of the API's document, and check all types. A changed field is an error then."""
    run("openapi-typescript", DOCUMENT, "--default-non-nullable=false", "--output", SCHEMA)
    FIELDS.write_text(json.dumps(fields(json.loads(DOCUMENT.read_text())), indent=1), encoding="utf-8")
    run("typescript", "--noEmit", program="tsc")


def fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of definitions with the first sentence of their descriptions: what the editor completes."""
    schemas = document["components"]["schemas"]

    def described(name: str) -> dict[str, str]:
        return {
            field: rule.get("description", "").split(". ")[0] for field, rule in schemas[name]["properties"].items()
        }

    tasks = {name.removesuffix("Task").lower(): described(name) for name in TASK_SCHEMAS}
    places = {"": described("Definition"), "schedule": described("Schedule"), "default_args": described("DefaultArgs")}
    return {"places": places, "tasks": tasks, "rules": schemas["TriggerRule"]["enum"]}


def build(folder: Path) -> None:
    run("vite", "build", "--outDir", folder, "--emptyOutDir", "--logLevel", "warn")


def compare() -> None:
    """Build once more elsewhere; fail unless the committed bundle has the same files with the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        names = {
            path.relative_to(root) for root in (Path(folder), BUNDLE) for path in root.rglob("*") if path.is_file()
        }
        differing = [
            str(name)
            for name in sorted(names)
            if not ((BUNDLE / name).is_file() and (Path(folder) / name).is_file())
            or not filecmp.cmp(BUNDLE / name, Path(folder) / name, shallow=False)
        ]
    if differing:
        sys.exit(f"api/mainspring_api/static is not what ui/ builds; run ./dev ui. Differing: {', '.join(differing)}")


def install() -> None:
    """What ui/package-lock.json asks for, if it is not there yet."""

    def make() -> None:
        npm = locked_node().parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        call(npm, "ci", "--ignore-scripts", "--loglevel=error", "--no-audit", "--no-fund")

    wanted = sha256((UI / "package-lock.json").read_bytes()).hexdigest()
    install_once(UI / "node_modules" / ".stamp", wanted, make)


def run(package: str, *arguments: str | Path, program: str | None = None) -> None:
    """Run a program of a package below ui/node_modules."""
    call((UI / "node_modules" / ".bin" / (program or package)).resolve(), *arguments)


def call(*line: str | Path) -> None:
    # Node.js brings certificates of its own, which do not hold those that a company adds to its machines.
    environment = {
        **os.environ,
        "NODE_USE_SYSTEM_CA": "1",
        "PATH": f"{locked_node().parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    status = subprocess.call([locked_node(), *line], cwd=UI, env=environment)
    if status != 0:
        sys.exit(f"failed: {' '.join(map(str, line))}")


if __name__ == "__main__":
    main()
