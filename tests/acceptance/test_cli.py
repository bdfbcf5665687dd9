"""The commands that speak to a server, against one."""

import json
import re
import resource
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from mainspring_cli.commands.backfills import backfill
from mainspring_cli.commands.connections import connections
from mainspring_cli.commands.contexts import contexts
from mainspring_cli.commands.dags import dags
from mainspring_cli.commands.runs import runs
from mainspring_cli.commands.stores import pools, secrets, variables
from mainspring_cli.commands.tokens import tokens
from mainspring_cli.commands.users import users
from mainspring_cli.main import SERVER_COMMANDS, cli
from tests.acceptance.cli import Command
from tests.acceptance.server import Server, until
from tests.services.environment import child_environment
from tests.services.reference_work import is_within

HELLO = "{schedule: '@daily', start_date: 2026-01-01, tags: [greeting], tasks: {hi: {type: shell, script: echo hello}}}"
CHOOSY = """
schedule: "@daily"
start_date: 2026-01-01
catchup: false
params: {type: object, properties: {n: {type: integer, default: 1}}}
tasks: {a: {type: shell, script: 'test $N != 2', env: {N: "${{ params.n }}"}}}
"""
SLOW = """
tasks:
  first: {type: shell, script: 'for i in 1 2 3; do echo line $i; sleep 0.2; done'}
  second: {type: shell, depends_on: [first], script: 'echo after; exit 3'}
"""


def test_what_the_calendar_leaves_out_of_the_next_runs_is_told(mainspring: Command) -> None:
    day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    source = mainspring.folder / "workdays.yaml"
    schedule = {"cron": "0 9 * * *", "calendar": {"exclude": [day]}}
    tasks = {"a": {"type": "noop"}}
    source.write_text(yaml.safe_dump({"dag_id": "workdays", "schedule": schedule, "catchup": False, "tasks": tasks}))
    assert mainspring("dags", "apply", str(source)).returncode == 0
    shown = mainspring("dags", "next", "workdays", "-n", "4")
    assert f"Left out: {day}T09:00:00" in shown.stderr
    assert shown.stderr.count("UTC") == 1
    assert f"{day}T09:00:00" not in shown.stdout


def test_a_folder_is_planned_and_saved_as_a_whole(mainspring: Command) -> None:
    folder = mainspring.folder / "planned"
    folder.mkdir()
    (folder / "child.yaml").write_text("{params: {type: object, properties: {n: {}}}, tasks: {a: {type: noop}}}")
    (folder / "parent.yaml").write_text("{tasks: {a: {type: dag, dag_id: child, conf: {n: 1}}}}")
    planned = mainspring("dags", "plan", str(folder))
    assert planned.stdout.startswith("child: create"), planned.stderr
    assert mainspring("dags", "apply", str(folder), "--atomic", "-m", "begin").returncode == 0
    (folder / "child.yaml").write_text(
        "{params: {type: object, additionalProperties: false, properties: {}}, tasks: {a: {type: noop}}}"
    )
    planned = mainspring("dags", "plan", str(folder / "child.yaml"))
    assert planned.returncode == 6
    assert "breaks dag parent" in planned.stdout
    (folder / "parent.yaml").write_text("{tasks: {a: {type: nop}}}")
    refused = mainspring("dags", "apply", str(folder), "--atomic")
    assert (refused.returncode, "/definitions/1/tasks/a/type" in refused.stderr) == (6, True), refused.stderr
    assert mainspring.json("dags", "show", "child")["latest_dag_version"]["version_number"] == 1


def test_a_folder_is_applied_as_a_bundle(mainspring: Command) -> None:
    folder = mainspring.folder / "bundle"
    folder.mkdir()
    for name in ("b1", "b2", "b3"):
        (folder / f"{name}.yaml").write_text("tasks: {a: {type: noop}}")
    apply = ("dags", "apply", str(folder), "--bundle", "team")
    assert mainspring(*apply, "--plan", "--prune").stdout == "b1: create\nb2: create\nb3: create\n"
    assert mainspring.json("dags", "list", "--bundle", "team") == []
    assert mainspring(*apply).stdout == "b1: created\nb2: created\nb3: created\n"
    (folder / "b1.yaml").write_text("tasks: {a: {type: noop}, c: {type: noop}}")
    (folder / "b3.yaml").unlink()
    planned = mainspring(*apply, "--plan", "--prune").stdout
    assert planned == "b1: change\n  task 'c' added\nb2: unchanged\nb3: remove\n"
    assert mainspring(*apply, "--prune", "--atomic").stdout == (
        "b1: changed to version 2 (task 'c' added)\nb2: unchanged\nb3: paused and stale\n"
    )
    assert [dag["dag_id"] for dag in mainspring.json("dags", "list", "--bundle", "team")] == ["b1", "b2"]
    # A file with a fault stops all of it, and so does a prune of more than half, before the first save.
    (folder / "b1.yaml").write_text("tasks: {a: {type: nop}}")
    (folder / "b2.yaml").unlink()
    assert mainspring(*apply, "--prune").returncode == 6
    (folder / "b1.yaml").unlink()
    (folder / "b4.yaml").write_text("tasks: {a: {type: noop}}")
    refused = mainspring(*apply, "--prune")
    assert (refused.returncode, "more than half" in refused.stderr) == (6, True)
    assert mainspring("dags", "show", "b4").returncode == 6
    # Without an answer nothing is deleted.
    assert mainspring(*apply, "--prune", "--force", "--delete", stdin="n\n").returncode == 1
    answer = mainspring.json(*apply, "--prune", "--force", "--delete", "--yes")
    assert [(dag["dag_id"], dag["action"]) for dag in answer] == [
        ("b4", "create"), ("b1", "deleted"), ("b2", "deleted"), ("b3", "deleted"),
    ]  # fmt: skip
    assert [dag["dag_id"] for dag in mainspring.json("dags", "list", "--bundle", "team", "--stale")] == ["b4"]
    other = mainspring("dags", "apply", str(folder), "--bundle", "other")
    assert (other.returncode, "--take-over" in other.stderr) == (6, True)
    taken = mainspring("dags", "apply", str(folder), "--bundle", "other", "--take-over").stdout
    assert taken == "b4: changed to version 1 (bundle: team -> other)\n"
    (folder / "b4.yaml").unlink()
    assert mainspring(*apply, "--prune").returncode == 2
    assert mainspring("dags", "apply", str(mainspring.folder), "--prune").returncode == 2


def test_operators_find_their_commands(mainspring: Command) -> None:
    mainspring.save(
        "asked",
        """
tasks:
  count: {type: shell, script: 'echo "rows=5" >> "$MAINSPRING_OUTPUT"'}
  each:
    type: shell
    expand: {n: [4, 6]}
    env: {N: "${{ map.n }}"}
    script: 'echo "twice=$((2 * N))" >> "$MAINSPRING_OUTPUT"'
  ask: {type: approval, message: "Go on?", choices: [yes_, no_]}
  paid: {type: wait, signal: paid}
outputs: {rows: "${{ tasks.count.outputs.rows }}"}
""",
    )
    run_id = mainspring.json("run", "asked")["dag_run_id"]
    looks = iter(range(100))  # each is a process
    while not (waiting := mainspring.json("approvals", "list")) and next(looks) < 99:
        pass
    assert [(one["dag_run_id"], one["choices"]) for one in waiting] == [(run_id, ["yes_", "no_"])]
    answered = mainspring.json("approvals", "answer", "asked", run_id, "ask", "yes_", "--note", "fine")
    assert (answered["choice"], answered["note"]) == ("yes_", "fine")
    sent = mainspring.json("runs", "signal", "asked", run_id, "paid", "--value", '{"amount": 7}')
    assert (sent["name"], sent["value"]) == ("paid", {"amount": 7})
    assert "write JSON" in mainspring("runs", "signal", "asked", run_id, "paid", "--value", "{").stderr
    while mainspring.json("runs", "show", "asked", run_id)["state"] != "success" and next(looks) < 99:
        pass
    assert mainspring.json("runs", "signals", "asked", run_id)[0]["taken_by"] == "paid"
    assert mainspring.json("runs", "outputs", "asked", run_id) == {"rows": 5}
    assert mainspring.json("runs", "outputs", "asked", run_id, "count") == {"rows": 5}
    assert mainspring.json("runs", "outputs", "asked", run_id, "each") == {"twice": {"0": 8, "1": 12}}
    assert mainspring("runs", "outputs", "asked", run_id, "each").stdout.split(maxsplit=1)[0] == "twice"
    assert mainspring.json("runs", "mark", "asked", run_id, "failed")["state"] == "failed"
    assert mainspring.json("runs", "mark", "asked", run_id, "failed", "--task", "ask")[0]["state"] == "failed"
    assert mainspring.json("audit", "--dag", "asked", "-n", "1")[0]["dag_id"] == "asked"
    assert mainspring.json("workers") == []
    assert mainspring("runs", "delete", "asked", run_id, stdin="n\n").returncode == 1
    assert mainspring("runs", "delete", "asked", run_id, "--yes").returncode == 0
    assert mainspring("runs", "show", "asked", run_id).returncode == 6


def test_a_definition_runs_without_a_save_and_versions_are_handled(mainspring: Command) -> None:
    source = mainspring.folder / "tried.yaml"
    source.write_text("tasks: {a: {type: noop}}")
    ended = mainspring("run", str(source), "--no-save", "--wait", "-o", "json")
    assert (ended.returncode, json.loads(ended.stdout)["dag_versions"][0]["is_inline"]) == (0, True), ended.stderr
    assert "tried" not in [dag["dag_id"] for dag in mainspring.json("dags", "list")]
    assert mainspring("run", "nowhere.yaml", "--no-save").returncode == 2
    assert mainspring("dags", "apply", str(source), "-m", "first").returncode == 0
    source.write_text("tasks: {a: {type: noop}, b: {type: noop}}")
    assert mainspring("dags", "apply", str(source), "-m", "second").returncode == 0
    assert [version["message"] for version in mainspring.json("dags", "versions", "tried")] == ["second", "first"]
    assert mainspring("dags", "diff", "tried", "2", "3").stdout.startswith("task 'b' added\n")
    assert mainspring.json("run", "tried", "--version", "2")["dag_versions"][0]["version_number"] == 2
    assert mainspring("dags", "rollback", "tried", "2").stdout == "tried: version 4\n"
    assert json.loads(mainspring("dags", "openapi", "tried").stdout)["info"]["version"] == "4"


def test_dags_are_checked_saved_looked_at_paused_and_deleted(mainspring: Command) -> None:
    source = mainspring.folder / "hello.yaml"
    source.write_text(HELLO)
    assert "hello" not in [dag["dag_id"] for dag in mainspring.json("dags", "list")]
    assert mainspring("dags", "apply", str(source)).stdout == "hello: version 1\n"
    assert mainspring("dags", "apply", str(source)).stdout == "hello: version 1\n"
    assert "@daily" in mainspring("dags", "list", "--tag", "greeting").stdout
    assert mainspring.json("dags", "list", "--paused") == []
    assert mainspring.json("dags", "show", "hello")["catchup"] is False
    assert yaml.safe_load(mainspring("dags", "show", "hello", "--definition").stdout)["tags"] == ["greeting"]
    assert len(mainspring.json("dags", "next", "hello", "-n", "3")) == 3
    assert mainspring.json("dags", "pause", "hello")["is_paused"] is True
    assert "paused" in mainspring("dags", "next", "hello").stderr
    assert mainspring.json("dags", "unpause", "hello")["is_paused"] is False
    assert mainspring("dags", "delete", "hello", stdin="n\n").returncode == 1
    assert mainspring("dags", "delete", "hello", "--yes").returncode == 0
    assert mainspring("dags", "show", "hello").returncode == 6


def test_a_folder_is_applied_whole_and_what_is_wrong_is_told_with_its_line(mainspring: Command) -> None:
    (mainspring.folder / "good.json").write_text(json.dumps({"tasks": {"a": {"type": "noop"}}}, indent="\t"))
    (mainspring.folder / "named.yaml").write_text("dag_id: other\ntasks: {a: {type: noop}}\n")
    (mainspring.folder / "bad.yml").write_text("tasks:\n  a: {type: noop}\n  b: {type: noop, depends_on: [aa]}\n")
    (mainspring.folder / "no.txt").write_text("not looked at")
    checked = mainspring("dags", "validate", str(mainspring.folder / "good.json"), str(mainspring.folder / "bad.yml"))
    assert checked.returncode == 6
    applied = mainspring("dags", "apply", str(mainspring.folder))
    assert applied.returncode == 6
    assert applied.stdout == "good: version 1\nother: version 1\n"
    assert applied.stderr.endswith(
        "bad.yml:3: /tasks/b/depends_on/0: task 'b' depends on unknown task 'aa' (did you mean 'a'?)\n"
    )


def test_every_fault_of_every_file_is_told_and_machines_get_them_as_they_are(mainspring: Command) -> None:
    (mainspring.folder / "good.yaml").write_text("tasks: {a: {type: noop}}\n")
    (mainspring.folder / "three.yaml").write_text(
        "schedule: '61 * * * *'\ntasks:\n  a: {type: shel}\n  b: {type: noop, retries: -1}\n"
    )
    (mainspring.folder / "torn.yaml").write_text("tasks:\n  a: [\n")
    (mainspring.folder / "deep.yaml").write_text("[" * 5000)
    (mainspring.folder / "slash.yaml").write_text("dag_id: a/b\ntasks: {a: {type: noop}}\n")
    (mainspring.folder / "vanished.yaml").symlink_to("nowhere")
    answer = mainspring("dags", "validate", str(mainspring.folder), "-o", "json")
    assert answer.returncode == 6
    places = [line.split(": ")[0].rpartition("/")[2] for line in answer.stderr.splitlines()]
    assert places[:3] == ["deep.yaml:1", "slash.yaml:1", "slash.yaml:1"]
    assert places[3:] == ["three.yaml:1", "three.yaml:3", "three.yaml:4", "torn.yaml:3", "vanished.yaml"]
    found = {Path(each["file"]).name: each for each in json.loads(answer.stdout)}
    assert found["good.yaml"]["task_count"] == 1
    assert [fault["pointer"] for fault in found["three.yaml"]["errors"]] == [
        "/schedule",
        "/tasks/a/type",
        "/tasks/b/retries",
    ]
    assert [fault["code"] for fault in found["torn.yaml"]["errors"]] == ["syntax"]


def test_runs_are_listed_shown_and_run_again(mainspring: Command) -> None:
    mainspring.save("slow", SLOW)
    assert mainspring("run", "slow", "--run-id", "r1", "--wait", "-q").returncode == 1
    (listed,) = mainspring.json("runs", "list", "slow", "--state", "failed")
    assert (listed["dag_run_id"], listed["state_reason"]) == ("r1", "task_failed")
    assert "r1" in mainspring("runs", "list").stdout
    shown = mainspring("runs", "show", "slow", "r1").stdout
    assert re.search(r"^second +-1 +failed +exit_code +1 ", shown, flags=re.MULTILINE), shown
    assert shown.splitlines()[-2:] == ["second: the command ended with exit code 3", "  after"], shown
    (failed,) = mainspring.json("runs", "show", "slow", "r1")["failed_tasks"]
    assert (failed["task_id"], failed["last_lines"]) == ("second", ["after"])
    shown = mainspring("dags", "show", "slow").stdout
    assert re.search(r"^last run +r1, failed, 20\d\d-", shown, flags=re.MULTILINE), shown
    assert re.search(r"^second +shell +first$", shown, flags=re.MULTILINE), shown
    described = mainspring.json("dags", "show", "slow")
    assert (described["last_run"]["dag_run_id"], [task["task_id"] for task in described["tasks"]]) == (
        "r1", ["first", "second"],
    )  # fmt: skip
    dry = mainspring.json("runs", "clear", "slow", "r1", "--dry-run")
    assert [instance["task_id"] for instance in dry] == ["second"]
    assert mainspring.json("runs", "show", "slow", "r1")["state"] == "failed"
    again = mainspring.json("runs", "clear", "slow", "r1", "--task", "first")
    assert sorted(instance["task_id"] for instance in again) == ["first", "second"]
    until(lambda: mainspring.json("runs", "show", "slow", "r1")["state"] == "failed", "the second end")
    tries = {
        each["task_id"]: each["try_number"] for each in mainspring.json("runs", "show", "slow", "r1")["task_instances"]
    }
    assert tries == {"first": 2, "second": 2}
    assert mainspring("runs", "cancel", "slow", "nothing").returncode == 6


def test_logs_are_read_whole_by_task_and_as_they_grow(mainspring: Command) -> None:
    mainspring.save("slow", SLOW)
    mainspring("run", "slow", "--run-id", "l1")
    followed = mainspring("runs", "logs", "slow", "l1", "-f")
    lines = ["first | line 1", "first | line 2", "first | line 3", "second | after"]
    assert followed.stdout.splitlines() == lines
    assert mainspring("runs", "logs", "slow", "l1").stdout.splitlines() == lines
    assert mainspring("runs", "logs", "slow", "l1", "first").stdout == "line 1\nline 2\nline 3\n"
    read = mainspring.json("runs", "logs", "slow", "l1", "-f")
    assert [(line["task_id"], line["try_number"], line["event"]) for line in read[2:]] == [
        ("first", 1, "line 3"),
        ("second", 1, "after"),
    ]
    unknown = mainspring("runs", "logs", "slow", "l1", "frist")
    assert (unknown.returncode, unknown.stdout) == (6, "")
    assert "has no task 'frist'" in unknown.stderr


def test_events_are_printed_as_lines_and_followed(mainspring: Command) -> None:
    mainspring.save("watched", "tasks: {a: {type: noop}}")
    options = ("--after", "0" * 16, "--dag", "watched", "-t", "dag", "-t", "run")
    with mainspring.start("events", "--follow", *options) as follower:
        assert follower.stdout is not None
        saved = json.loads(follower.stdout.readline())
        assert (saved["event"], saved["data"]["state"]) == ("dag", "saved")
        assert mainspring("run", "watched", "--run-id", "r1", "--wait", "-q").returncode == 0
        followed = [json.loads(follower.stdout.readline()) for _ in range(3)]
        assert [line["data"]["state"] for line in followed] == ["queued", "running", "success"]
        follower.send_signal(signal.SIGINT)
        assert follower.wait(20) == 130
    stored = mainspring("events", "--after", saved["id"], "--dag", "watched", "--type", "run")
    assert [json.loads(line) for line in stored.stdout.splitlines()] == followed
    assert mainspring("events").returncode == 2
    assert mainspring("events", "--follow", "--after", "x").returncode == 6


def test_a_backfill_is_planned_made_and_followed_to_its_end(mainspring: Command) -> None:
    mainspring.save("daily", HELLO)
    span = ("daily", "--from", "2026-01-01", "--to", "2026-01-03")
    assert len(mainspring.json("backfill", "create", *span, "--dry-run")) == 3
    made = mainspring("backfill", "create", *span, "--follow", "-o", "json")
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert (found["progress"]["runs_success"], found["progress"]["slots_total"]) == (3, 3)
    assert made.stderr.endswith(" 3/3 3 success\n"), made.stderr
    assert [each["id"] for each in mainspring.json("backfill", "list", "daily")] == [found["id"]]
    assert mainspring("backfill", "cancel", str(found["id"])).returncode == 6, "it has ended"
    mainspring("dags", "pause", "daily")  # so that the runs of the next one wait
    later = ("daily", "--from", "2026-02-01", "--to", "2026-02-20", "--max-active-runs", "1")
    number = str(mainspring.json("backfill", "create", *later)["id"])
    assert mainspring.json("backfill", "pause", number)["is_paused"] is True
    assert mainspring.json("backfill", "unpause", number)["is_paused"] is False
    assert mainspring.json("backfill", "cancel", number)["completed_at"] is not None
    assert str(mainspring.json("backfill", "show", number)["id"]) == number


def test_a_backfill_gives_its_runs_what_it_is_given_and_pauses_after_failures(mainspring: Command) -> None:
    mainspring.save("choosy", CHOOSY)
    span = ("--from", "2026-03-01", "--to", "2026-03-09", "-p", "n=2", "--max-active-runs", "1")
    made = mainspring.json("backfill", "create", "choosy", *span, "--max-failed-runs", "2")
    assert made["dag_run_conf"] == {"n": 2}
    number = str(made["id"])
    until(lambda: bool(mainspring.json("backfill", "show", number)["is_paused"]), "the backfill paused")
    assert re.search(rf"^{number} +choosy +2/9 ", mainspring("backfill", "list", "choosy").stdout, flags=re.MULTILINE)
    following = mainspring.start("backfill", "show", number, "--follow")
    assert following.stderr is not None
    assert "2/9 2 failed (paused, because 2 of its runs have failed" in following.stderr.readline()
    following.send_signal(signal.SIGINT)
    _, errors = following.communicate(timeout=30)
    # The command may have printed the state once more before the signal came.
    assert following.returncode == 130
    assert errors.splitlines()[-1] == f"the backfill goes on: mainspring backfill show {number}"


def test_pools_variables_connections_and_secrets_are_set_listed_and_deleted(mainspring: Command) -> None:
    assert mainspring.json("pools", "set", "narrow", "2", "--description", "few")["slots"] == 2
    assert mainspring.json("pools", "set", "narrow", "3")["description"] == "few"
    assert mainspring.json("pools", "set", "narrow", "-1")["slots"] == -1
    assert {"narrow", "default_pool"} <= {pool["name"] for pool in mainspring.json("pools", "list")}
    assert mainspring("pools", "delete", "narrow").returncode == 0
    assert mainspring("pools", "delete", "narrow").returncode == 6

    assert mainspring.json("variables", "set", "region", "eu")["value"] == "eu"
    assert mainspring("variables", "set", "region", "-", stdin="us").returncode == 0
    assert mainspring("variables", "get", "region").stdout == "us\n"
    assert [each["key"] for each in mainspring.json("variables", "list")] == ["region"]
    assert mainspring("variables", "delete", "region").returncode == 0

    place = ("connections", "set", "warehouse", "postgres", "--host", "db.test")
    assert mainspring.json(*place, "--port", "5432")["port"] == 5432
    made = mainspring(*place, "--login", "etl", "--password-stdin", "-o", "json", stdin="hunter3\n")
    assert (made.returncode, "hunter3" in made.stdout) == (0, False)
    (listed,) = mainspring.json("connections", "list")
    assert (listed["port"], listed["login"], listed["host"]) == (5432, "etl", "db.test")
    assert mainspring("connections", "delete", "warehouse").returncode == 0

    written = mainspring("secrets", "set", "password", "-o", "json", stdin="hunter2\n").stdout
    assert json.loads(written)["name"] == "password"
    assert "hunter2" not in written
    names = mainspring("secrets", "list", "-o", "json").stdout
    assert "password" in names
    assert "hunter2" not in names
    assert mainspring("secrets", "delete", "password").returncode == 0


def test_webhooks_notifiers_and_hooks_are_made_shown_tested_rotated_and_deleted(
    mainspring: Command, tmp_path: Path
) -> None:
    address = "https://hooks.example.test/in?token=canary"
    made = mainspring("webhooks", "create", "ci", "-", "-t", "run.failed", "-o", "json", stdin=address)
    secret = json.loads(made.stdout)["secret"]
    assert secret.startswith("whsec_")
    shown = mainspring("webhooks", "show", "ci", "-o", "json").stdout
    assert json.loads(shown)["types"] == ["run.failed"]
    assert secret not in shown
    assert "canary" not in shown + mainspring("webhooks", "list").stdout
    delivery = mainspring.json("webhooks", "test", "ci")["delivery_id"]
    assert [row["id"] for row in mainspring.json("webhooks", "deliveries", "ci")] == [delivery]
    assert mainspring("webhooks", "redeliver", "ci", "0").returncode == 6
    assert mainspring.json("webhooks", "rotate", "ci", "--old-seconds", "60")["secret"] != secret
    assert mainspring("webhooks", "delete", "ci").returncode == 0
    assert mainspring("webhooks", "show", "ci").returncode == 6

    made = mainspring("notifiers", "create", "chat", "-o", "json", stdin="slack://canary-a/canary-b/canary-c\n")
    assert (made.returncode, json.loads(made.stdout)["url"]) == (0, "slack://***")
    delivery = mainspring.json("notifiers", "test", "chat")["delivery_id"]
    assert [row["id"] for row in mainspring.json("notifiers", "deliveries", "chat")] == [delivery]
    assert "canary" not in mainspring("notifiers", "show", "chat").stdout + mainspring("notifiers", "list").stdout
    assert mainspring("notifiers", "redeliver", "chat", "0").returncode == 6
    assert mainspring("notifiers", "delete", "chat").returncode == 0

    source = tmp_path / "hooked.yaml"
    source.write_text("dag_id: hooked\ntasks: {a: {type: noop}}\n")
    assert mainspring("dags", "apply", str(source)).returncode == 0
    hook = mainspring.json("hooks", "create", "push", "hooked", "github", "--filter", "true")
    assert hook["path"]
    shown = mainspring("hooks", "show", hook["id"], "-o", "json").stdout
    assert hook["secret"] not in shown
    assert [row["id"] for row in mainspring.json("hooks", "list")] == [hook["id"]]
    assert mainspring.json("hooks", "deliveries", hook["id"]) == []
    assert mainspring.json("hooks", "rotate", hook["id"], "--url")["path"] != hook["path"]
    assert mainspring("hooks", "delete", hook["id"]).returncode == 0


def test_a_token_is_shown_once_lets_in_by_its_role_and_is_revoked(mainspring: Command) -> None:
    made = mainspring("tokens", "create", "pipeline", "--role", "viewer", "--expires-in", "1h")
    token = made.stdout.strip()
    visitor = replace(mainspring, environment={**mainspring.environment, "MAINSPRING_TOKEN": token})
    assert visitor("pools", "list").returncode == 0
    assert visitor("pools", "set", "mine", "1").returncode == 6
    listed = mainspring("tokens", "list", "-o", "json").stdout
    assert token not in listed
    (found,) = (each for each in json.loads(listed) if each["name"] == "pipeline")
    assert found["role"] == "viewer"
    assert mainspring("tokens", "revoke", found["id"]).returncode == 0
    assert visitor("pools", "list").returncode == 6


def test_a_user_is_made_changed_and_deleted_and_a_token_may_be_for_some_dags(mainspring: Command) -> None:
    made = mainspring("users", "create", "bob", "--grant", "etl*=operator", "-o", "json", stdin="correct horse\n")
    assert json.loads(made.stdout)["grants"] == [{"pattern": "etl*", "role": "operator"}]
    assert "correct horse" not in made.stdout + made.stderr
    changed = mainspring.json("users", "set", "bob", "--role", "viewer", "--inactive")
    assert (changed["role"], changed["is_active"], len(changed["grants"])) == ("viewer", False, 1)
    assert mainspring.json("users", "set", "bob", "--role", "none")["role"] is None
    assert "etl*=operator" in mainspring("users", "list").stdout
    assert mainspring("users", "set", "bob", "--grant", "etl=owner").returncode == 2
    assert mainspring("users", "delete", "bob").returncode == 0
    assert mainspring("users", "delete", "bob").returncode == 6
    assert mainspring("tokens", "create", "useless").returncode == 2
    token = mainspring("tokens", "create", "narrow", "--grant", "etl=viewer").stdout.strip()
    holder = replace(mainspring, environment={**mainspring.environment, "MAINSPRING_TOKEN": token})
    assert holder.json("users", "whoami")["rights"] == [
        {"role": None, "grants": [{"pattern": "etl", "role": "viewer"}]}
    ]


def test_output_is_a_table_json_or_yaml_of_the_same(mainspring: Command) -> None:
    as_json = mainspring.json("pools", "list")
    assert yaml.safe_load(mainspring("pools", "list", "-o", "yaml").stdout) == as_json
    header, *rows = mainspring("pools", "list").stdout.splitlines()
    assert header.split()[:3] == ["name", "slots", "occupied"]
    assert [row.split()[0] for row in rows] == [pool["name"] for pool in as_json]


def test_a_context_is_private_used_and_forgotten_and_never_shows_its_token(
    mainspring: Command, shared_server: Server
) -> None:
    clean = {name: value for name, value in mainspring.environment.items() if not name.startswith("MAINSPRING_")}
    alone = replace(mainspring, environment=clean)
    token = shared_server.client.token
    assert alone("doctor").returncode == 78, "no server is known"
    said = [
        alone("contexts", "add", "here", shared_server.client.url, stdin=f"{token}\n"),
        alone("contexts", "add", "away", "http://away.test", stdin="t0ken"),
        alone("contexts", "list"),
        alone("pools", "list", "-o", "json"),
    ]
    assert [answer.returncode for answer in said] == [0, 0, 0, 0]
    assert re.search(r"^here .* yes$", said[2].stdout, flags=re.MULTILINE)
    assert [each["name"] for each in json.loads(alone("contexts", "list", "-o", "json").stdout)] == ["here", "away"]
    assert "not encrypted" in said[1].stderr
    assert not any(token in answer.stdout + answer.stderr for answer in said)
    path = mainspring.folder / ".config" / "mainspring" / "contexts.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert alone("contexts", "use", "away").returncode == 0
    assert alone("pools", "list").returncode == 5
    assert alone("pools", "list", "--context", "here").returncode == 0
    path.chmod(0o644)
    refused = alone("pools", "list", "--context", "here")
    assert refused.returncode == 78
    assert f"chmod 600 {path}" in refused.stderr
    path.chmod(0o600)
    assert alone("contexts", "remove", "away").returncode == 0
    assert alone("contexts", "use", "away").returncode == 78


def test_without_a_context_the_server_of_this_folder_is_meant(shared_server: Server, mainspring: Command) -> None:
    port = shared_server.client.url.rpartition(":")[2].split("/")[0]
    clean = {name: value for name, value in mainspring.environment.items() if not name.startswith("MAINSPRING_")}
    here = replace(
        mainspring, environment={**clean, "MAINSPRING_HOME": str(shared_server.home), "MAINSPRING_PORT": port}
    )
    assert here("doctor").returncode == 0


def test_doctor_tells_what_is_well_and_what_is_not(mainspring: Command) -> None:
    found = {each["check"]: each["is_well"] for each in mainspring.json("doctor")}
    assert {
        "server",
        "version",
        "metadatabase",
        "scheduler",
        "token",
        "transport",
        "database",
        "webhooks",
    } <= found.keys()
    assert all(found.values())
    stranger = replace(mainspring, environment={**mainspring.environment, "MAINSPRING_TOKEN": "nobody"})
    refused = stranger("doctor", "-o", "json")
    assert refused.returncode == 1
    assert {each["check"]: each["is_well"] for each in json.loads(refused.stdout)}["token"] is False


def test_help_is_there_within_three_tenths_of_a_second() -> None:
    line = [sys.executable, "-m", "mainspring_cli"]
    for arguments in ((), ("api",), ("db", "check"), *((name,) for name in SERVER_COMMANDS)):
        # Processor time: what others take of this machine is not for the command to answer for.
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*line, *arguments, "--help"], env=child_environment(), stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert is_within(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 0.3), arguments


def test_every_command_says_what_it_does() -> None:
    for group in (cli, dags, runs, backfill, pools, variables, connections, secrets, tokens, users, contexts):
        for name, command in group.commands.items():
            assert command.help, f"{group.name} {name}"
