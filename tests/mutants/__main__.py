"""Plants known bugs, one at a time, and expects the tests to find each: `./dev mutants [name ...] [--write]`.

A mutant is a file `tests/mutants/patches/<name>.patch`: one sentence that says what is wrong, a line
`Tests: <arguments of pytest>`, and the change. Everything happens in a copy of what git tracks, in a temporary
folder. A mutant that no test finds is an error, and so is a patch that does not apply any more or a test that fails
without the mutant.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.services.environment import child_environment

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "store", "executors", "scheduler", "api", "testing", "cli")
TABLE = re.compile(r"(?<=<!-- mutants -->\n).*?(?=<!-- /mutants -->)", re.DOTALL)
TEST_SECONDS_MAX = 600


@dataclass(frozen=True)
class Mutant:
    """One bug."""

    path: Path
    what: str
    tests: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> "Mutant":
        what, tests, _ = path.read_text().split("\n", 2)
        return cls(path, what, tuple(shlex.split(tests.removeprefix("Tests: "))))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev mutants", description="Plant known bugs; the tests must find each.")
    parser.add_argument("names", nargs="*", help="mutants, without .patch; all of them when none is named")
    parser.add_argument("--quick", action="store_true", help="do not run the tests without any mutant first")
    parser.add_argument("--write", action="store_true", help="write the table into docs/testing.md")
    wanted = parser.parse_args(arguments)
    mutants = [Mutant.read(path) for path in sorted((ROOT / "tests" / "mutants" / "patches").glob("*.patch"))]
    chosen = [mutant for mutant in mutants if not wanted.names or mutant.path.stem in wanted.names]
    with tempfile.TemporaryDirectory(prefix="mainspring-mutants-") as folder:
        copy = _copied(Path(folder))
        for tests in () if wanted.quick else dict.fromkeys(mutant.tests for mutant in chosen):
            if not _first_red(copy, tests).startswith("green"):
                print(f"fails without any mutant: pytest {shlex.join(tests)}")
                return 1
        rows = [_tried(copy, mutant) for mutant in chosen]
    if wanted.write:
        _write(rows)
    missed = [mutant.path.stem for mutant, found in rows if not found.startswith("tests/")]
    print(f"{len(rows) - len(missed)} of {len(rows)} were found" + (f"; not: {', '.join(missed)}" if missed else ""))
    return 1 if missed else 0


def _copied(folder: Path) -> Path:
    folder.chmod(0o755)  # a service that a test starts as another user would run the installed code otherwise
    names = subprocess.run(
        ["git", "ls-files", "-z"], env=child_environment(), cwd=ROOT, check=True, capture_output=True
    ).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def _tried(copy: Path, mutant: Mutant) -> tuple[Mutant, str]:
    """The plant and the test that found it, or what went wrong."""
    if not _patched(copy, mutant):
        found = "does not apply any more"
    else:
        try:
            found = _first_red(copy, mutant.tests)
        finally:
            _patched(copy, mutant, "--reverse")
    print(f"{mutant.path.stem:34}{found}", flush=True)
    return mutant, found


def _patched(copy: Path, mutant: Mutant, *options: str) -> bool:
    return (
        subprocess.run(["git", "apply", *options, str(mutant.path)], env=child_environment(), cwd=copy).returncode == 0
    )


def _first_red(copy: Path, tests: Sequence[str]) -> str:
    """The first test that fails; `green` when none does."""
    environment = {
        **child_environment(),
        "PYTHONPATH": os.pathsep.join(str(copy / package) for package in (*PACKAGES, ".")),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MAINSPRING_SIMULATION_EXAMPLES": "100",
        "MAINSPRING_SIMULATION_SHRINK": "0",
    }
    line = [sys.executable, "-m", "pytest", "-q", "-x", "-rfE", "--no-header", "--tb=no", "-p", "no:cacheprovider"]
    try:
        ended = subprocess.run(
            [*line, *tests], cwd=copy, env=environment, capture_output=True, text=True, timeout=TEST_SECONDS_MAX
        )
    except subprocess.TimeoutExpired:
        return f"not done within {TEST_SECONDS_MAX} s: pytest {shlex.join(tests)}"
    if ended.returncode == 0:
        return "green: nothing found it"
    red = re.search(r"^(?:FAILED|ERROR) (tests/\S+)", ended.stdout, re.MULTILINE)
    if ended.returncode != 1 or red is None:
        return f"pytest could not run: {(ended.stdout + ended.stderr)[-2000:]}"
    return red[1]


def _write(rows: Iterable[tuple[Mutant, str]]) -> None:
    """Put these rows into the table; those of bugs that did not run this time stay as they are."""
    page = ROOT / "docs" / "testing.md"
    text = page.read_text()
    kept = _rows(text) | {
        mutant.path.stem: f"| `{mutant.path.stem}` | {mutant.what} | `{found}` |" for mutant, found in rows
    }
    lines = ["| mutant | what is wrong | found by |", "|---|---|---|", *(kept[name] for name in sorted(kept))]
    page.write_text(TABLE.sub(lambda _: "\n".join(lines) + "\n", text))


def _rows(text: str) -> dict[str, str]:
    table = TABLE.search(text)
    assert table is not None
    return {match[1]: match[0] for match in re.finditer(r"^\| `([a-z-]+)` \|.*$", table[0], re.MULTILINE)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
