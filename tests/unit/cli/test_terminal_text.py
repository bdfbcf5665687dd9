"""No text of a task or a definition steers the terminal of who reads it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from mainspring_cli.client import output as output_module
from mainspring_cli.client.definition_files import definition_text, read_definition
from mainspring_cli.client.exits import Rejected, describe_fault
from mainspring_cli.client.output import Output
from mainspring_cli.client.terminal_text import coloured_at_most
from mainspring_cli.commands.definition_checks import _findings, _text
from mainspring_cli.commands.run_reports import annotation_lines

HOSTILE = "a\x1b]0;owned\x07b\x9b2Jc\x08\x7f\rd\te"
HARMLESS = "a]0;ownedb2Jcd\te"
STEERING = frozenset(map(chr, (*range(9), *range(11, 32), *range(127, 160))))


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    text = capsys.readouterr().out
    assert not STEERING & set(text)
    return text


@pytest.mark.parametrize("form", ["table", "json", "yaml"])
def test_no_form_of_an_answer_steers_the_terminal(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"task_id": "a", HOSTILE: HOSTILE, "outputs": {HOSTILE: [HOSTILE]}}
    Output(form).rows([row], ["task_id", HOSTILE, "outputs"] if form != "table" else ["task_id", "outputs"])
    rows = shown(capsys)
    Output(form).item(row, list(row))
    item = shown(capsys)
    read: Any = {"json": json.loads, "yaml": yaml.safe_load}.get(form)
    if read is not None:
        assert (read(rows), read(item)) == ([row], row)


def test_lines_are_printable_and_events_stay_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    Output().line(HOSTILE)
    assert shown(capsys) == f"{HARMLESS}\n"
    Output().json_line({"x": HOSTILE})
    assert json.loads(shown(capsys)) == {"x": HOSTILE}


def test_a_log_goes_unchanged_to_a_file_and_coloured_at_most_to_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f"\x1b[31mred{HOSTILE}"
    Output().raw(line)
    assert capsys.readouterr().out == f"{line}\n"
    monkeypatch.setattr(output_module.sys.stdout, "isatty", lambda: True)
    Output().raw(line)
    assert capsys.readouterr().out == f"\x1b[31mred{HARMLESS}\x1b[0m\n"
    assert coloured_at_most("plain\x1b[2J") == "plain[2J"


def test_faults_and_annotations_are_printable(tmp_path: Path) -> None:
    fault = {"pointer": f"/{HOSTILE}", "message": HOSTILE, "hint": HOSTILE, "line": None}
    assert describe_fault(fault) == f"/{HARMLESS}: {HARMLESS} ({HARMLESS})"
    assert not STEERING & set(str(Rejected("x", status=422, faults=[fault, fault])))
    task = {"task_id": "a", "map_index": -1, "message": HOSTILE, "last_lines": [HOSTILE]}
    result = {"state": "failed", "message": HOSTILE, "failed_tasks": [task], "failed_tasks_total": 1}
    assert not STEERING & set("".join(annotation_lines("github", "etl/r1", result, now=0.0)))
    assert "owned\x07" not in "".join(annotation_lines("gitlab", "etl/r1", result, now=0.0))
    source = tmp_path / "hostile.yaml"
    source.write_text('tasks: {a: {type: "no\\e]0;x\\a", "\\x9b2J": 1}}')
    findings = _findings(source)
    assert findings
    assert not STEERING & set("".join(map(_text, findings)))


def test_json_with_tabs_is_sent_as_yaml_by_every_command(tmp_path: Path) -> None:
    source = tmp_path / "etl.json"
    source.write_text('{\n\t"tasks": {"a": {"type": "noop"}}\n}')
    sent = read_definition(source).payload.read()
    assert sent == definition_text(source)["text"].encode()
    assert yaml.safe_load(sent) == {"tasks": {"a": {"type": "noop"}}}
