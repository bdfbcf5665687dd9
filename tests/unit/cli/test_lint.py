"""Checks of definitions without a server: `dags lint`, and the schema for editors."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from mainspring.definition import parse_definition
from mainspring.definition.yaml_source import load_yaml
from mainspring.errors import InvalidDag
from mainspring_cli.commands.dags import dags
from mainspring_cli.main import cli

ROOT = Path(__file__).parents[3]
GOOD = "dagrun_timeout: 1h\ntasks: {a: {type: noop}}\n"
FAULTY = "tasks:\n  a: {type: nop}\n  b: {type: noop, depends_on: [c]}\n"
DOUBTFUL = (
    "params: {type: object, properties: {rows: {}}}\ntasks:\n  a: {type: shell, command: [x], env: {A: '{{ ds }}'}}\n"
)


def lint(folder: Path, *options: str, **files: str) -> Result:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return CliRunner().invoke(dags, ["lint", str(folder), *options])


def test_good_definitions_pass_in_silence(tmp_path: Path) -> None:
    passed = lint(tmp_path, "--strict", good=GOOD)
    assert (passed.exit_code, passed.output) == (0, "")


def test_every_fault_is_told_with_file_and_line(tmp_path: Path) -> None:
    refused = lint(tmp_path, good=GOOD, faulty=FAULTY)
    assert refused.exit_code == 6
    assert [line.split(": ")[0] for line in refused.output.splitlines()] == [
        f"{tmp_path}/faulty.yaml:2",
        f"{tmp_path}/faulty.yaml:3",
    ]
    assert "[unknown_task_type]" in refused.output


def test_warnings_end_with_success_unless_strict(tmp_path: Path) -> None:
    passed = lint(tmp_path, doubtful=DOUBTFUL)
    assert passed.exit_code == 0
    assert sorted(re.findall(r"\[(\w+)\]", passed.output)) == ["no_time_limit", "plain_braces", "unused_param"]
    assert lint(tmp_path, "--strict").exit_code == 6


def test_annotations_cannot_be_broken_out_of(tmp_path: Path) -> None:
    text = 'tasks:\n  a: {type: noop, depends_on: ["x\\n::error::owned, 100%"]}\n'
    lines = lint(tmp_path, "--format", "github", faulty=text).output.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"::error file={tmp_path}/faulty.yaml,line=2,title=unknown_task::")


def test_gitlab_gets_a_code_quality_report(tmp_path: Path) -> None:
    report = json.loads(lint(tmp_path, "--format", "gitlab", faulty=FAULTY).stdout)
    assert [(entry["check_name"], entry["location"]["lines"]["begin"], entry["severity"]) for entry in report] == [
        ("unknown_task_type", 2, "major"),
        ("unknown_task", 3, "major"),
    ]
    assert len({entry["fingerprint"] for entry in report}) == 2


def test_findings_can_be_read_by_programs(tmp_path: Path) -> None:
    findings = json.loads(lint(tmp_path, "-o", "json", doubtful=DOUBTFUL).stdout)
    assert {finding["severity"] for finding in findings} == {"warning"}


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"[1]", b"tasks: {a: &a {b: *a}}"])
def test_a_file_that_is_no_definition_is_a_fault(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    assert lint(tmp_path).exit_code == 6


def schema() -> dict[str, Any]:
    printed = CliRunner().invoke(cli, ["schema"])
    assert printed.exit_code == 0
    content: dict[str, Any] = json.loads(printed.stdout)
    return content


def definitions() -> Iterator[Any]:
    """Every definition in the pages and examples: (place, document)."""
    for page in (*(ROOT / "docs").glob("*.md"), ROOT / "README.md", *(ROOT / "examples").rglob("*.yaml")):
        content = page.read_text(encoding="utf-8")
        texts = re.findall(r"```ya?ml\n(.*?)```", content, re.DOTALL) if page.suffix == ".md" else [content]
        texts += re.findall(r"<<'EOF'\n(.*?)^EOF$", content, re.DOTALL | re.MULTILINE)
        for number, text in enumerate(texts):
            document = yaml.safe_load(text)
            if isinstance(document, dict) and isinstance(document.get("tasks"), dict):
                # Once more as the server reads it: in YAML 1.2 `on` is a name.
                read, _ = load_yaml(text.encode(), bytes_max=1 << 20)
                yield pytest.param(read, id=f"{page.name}-{number}")


@pytest.mark.parametrize("document", list(definitions()))
def test_the_schema_takes_every_example_of_the_documentation(document: Any) -> None:
    text = json.dumps(document, default=str)
    try:
        parse_definition(text, dag_id=document.get("dag_id", "example"))
    except InvalidDag as exc:
        pytest.fail(f"the example is no definition: {exc}")
    jsonschema.validate(json.loads(text), schema(), cls=jsonschema.Draft202012Validator)


def test_the_schema_is_one_and_describes_each_field() -> None:
    content = schema()
    jsonschema.Draft202012Validator.check_schema(content)
    assert (content["$id"], content["$schema"]) == (
        "urn:mainspring:definition",
        "https://json-schema.org/draft/2020-12/schema",
    )
    parts = {"": content, **content["$defs"]}
    missing = [
        f"{name}.{field}"
        for name, part in parts.items()
        for field, described in part.get("properties", {}).items()
        if "description" not in described
    ]
    assert missing == []


@pytest.mark.parametrize(
    "document", [{}, {"tasks": {}}, {"tasks": {"a": {"type": "nop"}}}, {"tasks": {"a": {"type": "noop"}}, "x": 1}]
)
def test_the_schema_refuses_what_is_no_definition(document: Any) -> None:
    assert not jsonschema.Draft202012Validator(schema()).is_valid(document)
