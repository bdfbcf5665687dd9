"""docs/security.md has a row for every requirement, and every test that the page names is there.

Some requirements are held by what the code does not do; their tests stand here too.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = 42
PACKAGES = ("core/mainspring", "store/mainspring_store", "scheduler/mainspring_scheduler", "api/mainspring_api")
EVERYWHERE = (*PACKAGES, "executors/mainspring_executors", "cli/mainspring_cli")
_IMPORTS_OR_RUNS = {"eval", "exec", "compile", "__import__", "import_module", "importlib.import_module"}
_WITHOUT_TEST = "no test: "


def _rows() -> list[tuple[str, str]]:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    return re.findall(r"^\| (S\d+|all) \| .* \| (.*) \|$", page, re.MULTILINE)


def test_every_requirement_names_tests_that_exist() -> None:
    for number, tests in _rows():
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", tests)
        assert named or tests.startswith(_WITHOUT_TEST), number
        for path, name in named:
            assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), (number, path, name)


def test_every_requirement_has_a_row_in_order() -> None:
    numbers = [number for number, _ in _rows() if number != "all"]
    assert list(dict.fromkeys(numbers)) == [f"S{number}" for number in range(1, REQUIREMENTS + 1)]


def test_few_requirements_have_a_reason_instead_of_a_test() -> None:
    reasons = {number: tests for number, tests in _rows() if tests.startswith(_WITHOUT_TEST)}
    assert all(len(reason) > 60 for reason in reasons.values())
    assert len(reasons) <= 3


@pytest.mark.parametrize("package", EVERYWHERE)
def test_no_code_loads_what_could_run_when_it_is_loaded(package: str) -> None:
    forbidden = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
    names = {name.partition(".")[0] for _, tree in _modules(package) for name in _imported(tree)}
    assert names & forbidden == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_definition_names_is_imported_and_run_by_executors_alone(package: str) -> None:
    """The API and the scheduler treat DAGs as data."""
    for path, tree in _modules(package):
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert calls & {"eval", "exec", "compile", "__import__", "import_module", "importlib.import_module"} == set(), (
            path
        )


def test_the_policy_says_what_is_trusted_what_is_no_boundary_and_how_to_report() -> None:
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert {"Reporting", "What is not a boundary"} <= set(headings)
    assert any("trust" in heading for heading in headings)
    assert "Fixes go to the newest released version" in page
    for limit in ("`thread`", "Masking", "Loopback"):
        assert limit in page[page.index("## What is not a boundary") :]


def _modules(package: str) -> Iterator[tuple[Path, ast.AST]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
