"""Plans of definitions: what a save would change, its token, many definitions at once, and warnings."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mainspring_api.http.context import context
from mainspring_api.resources.definitions import plan_effects, plans
from mainspring_store.access.roles import Grant, Role
from mainspring_store.database.shared_transaction import SharedTransaction
from tests.api.harness import SHELL, Api

NOOP = {"type": "noop"}
ROWS = {"type": "object", "properties": {"rows": {"type": "integer"}}}
DAYS = {"type": "object", "properties": {"days": {"type": "integer"}}, "additionalProperties": False}


def plan(api: Api, *definitions: Any, removed: Any = (), status: int = 200, **options: Any) -> Any:
    items = [item if "text" in item else {"definition": item} for item in definitions]
    return api.post("/dags/plan", {"definitions": items, "removed": list(removed)}, status, **options)


def save(api: Api, plan_token: str | None, *definitions: Any, status: int = 200, **options: Any) -> Any:
    items = [item if "text" in item else {"definition": item} for item in definitions]
    return api.put("/dags", {"definitions": items, "plan_token": plan_token}, status, **options)


def test_a_plan_says_what_would_change_and_writes_nothing(api: Api) -> None:
    api.save()
    api.trigger(run_id="r1")
    new = {"dag_id": "new", "tasks": {"a": NOOP}, "schedule": "@daily"}
    changed = {"dag_id": "etl", "tasks": {"a": SHELL, "c": NOOP}, "schedule": "0 5 * * *"}
    planned = plan(api, new, changed, removed=["etl2", "absent"], status=200)["dags"]
    assert [(dag["dag_id"], dag["action"], dag["base_version_number"]) for dag in planned] == [
        ("new", "create", None),
        ("etl", "change", 1),
    ]
    etl = planned[1]
    assert [change["path"] for change in etl["changes"]] == ["/schedule", "/tasks/c", "/tasks/b"]
    assert etl["in_flight"] == [{"dag_run_id": "r1", "version_number": 1}]
    assert (etl["next_runs"]["before"], len(etl["next_runs"]["after"])) == ([], 5)
    assert (api.get("/dags")["total_entries"], api.get("/dags/etl/dagVersions")["total_entries"]) == (1, 1)
    (gone,) = plan(api, removed=["etl"])["dags"]
    assert (gone["action"], gone["summary"], gone["in_flight_total"]) == ("remove", "removed", 1)


def test_runs_that_a_save_would_make_up_for_are_counted(api: Api) -> None:
    api.save(tasks={"a": NOOP})
    definition = {"dag_id": "etl", "tasks": {"a": NOOP}, "schedule": "@daily", "start_date": "2026-01-01T00:00:00Z"}
    assert plan(api, definition)["dags"][0]["catchup_runs"] == 1
    assert plan(api, {**definition, "catchup": True, "catchup_max": 7})["dags"][0]["catchup_runs"] == 7


def test_callers_that_a_change_breaks_are_named_to_those_who_may_see_them(api: Api) -> None:
    api.put("/dags/child", {"tasks": {"a": NOOP}, "params": ROWS}, 201)
    api.save("parent", {"call": {"type": "dag", "dag_id": "child", "conf": {"rows": 1}}})
    api.save("secret_parent", {"call": {"type": "dag", "dag_id": "child", "conf": {"rows": 1}}})
    api.save("other", {"call": {"type": "dag", "dag_id": "child"}})
    api.post("/dags/child/dagRuns", {"conf": {"rows": 5}})
    changed = {"dag_id": "child", "tasks": {"a": NOOP}, "params": DAYS}
    (child,) = plan(api, changed)["dags"]
    callers = [(caller["kind"], caller["caller"], caller["count"]) for caller in child["breaking"]]
    assert callers == [("dag", "parent", 1), ("dag", "secret_parent", 1), ("client", "admin", 1)]
    assert "rows" in child["breaking"][0]["why"]
    author = api.token_of(
        None, grants=[Grant(pattern="child", role=Role.AUTHOR), Grant(pattern="par*", role=Role.VIEWER)]
    )
    (child,) = plan(api, changed, token=author)["dags"]
    assert [caller["caller"] for caller in child["breaking"]] == ["parent", "admin"]
    assert child["hidden_breaking"] == 1
    (gone,) = plan(api, removed=["child"])["dags"]
    assert [caller["caller"] for caller in gone["breaking"]] == ["other", "parent", "secret_parent"]


def test_a_plan_is_saved_by_its_token_once(api: Api) -> None:
    api.save()
    definitions = [{"dag_id": "etl", "tasks": {"c": NOOP}}, {"dag_id": "new", "tasks": {"a": NOOP}}]
    token = plan(api, *definitions)["plan_token"]
    saved = save(api, token, *definitions)["dags"]
    assert [(dag["dag_id"], dag["action"], dag["version_number"]) for dag in saved] == [
        ("etl", "change", 2),
        ("new", "create", 1),
    ]
    assert save(api, token, *definitions, status=412)["code"] == "precondition_failed"
    again = plan(api, *definitions)["plan_token"]
    assert [dag["action"] for dag in save(api, again, *definitions)["dags"]] == ["unchanged", "unchanged"]
    # Used up although nothing has changed since.
    save(api, again, *definitions, status=412)


def test_a_changed_base_voids_the_plan_and_nothing_is_saved(api: Api) -> None:
    definitions = [{"dag_id": "a", "tasks": {"c": NOOP}}, {"dag_id": "b", "tasks": {"a": NOOP}}]
    token = plan(api, *definitions)["plan_token"]
    api.save("b")
    save(api, token, *definitions, status=412)
    api.get("/dags/a", 404)
    assert api.get("/dags/b/dagVersions")["total_entries"] == 1


@pytest.mark.parametrize("change", ["moved", "pruned", "paused"])
def test_a_dag_that_was_moved_pruned_or_paused_voids_the_plan(api: Api, change: str) -> None:
    definition = {"dag_id": "etl", "tasks": {"a": NOOP}}
    team = [{"definition": definition}, {"definition": {**definition, "dag_id": "other"}}]
    api.put("/dags", {"definitions": team, "bundle_name": "team"})
    token = plan(api, definition)["plan_token"]
    if change == "moved":
        api.put("/dags", {"definitions": team[:1], "bundle_name": "others", "take_over": True})
    elif change == "pruned":
        api.post("/dags/prune", {"bundle_name": "team", "kept": ["other"]})
    else:
        api.patch("/dags/etl", {"is_paused": True})
    before = api.get("/dags/etl")
    save(api, token, definition, status=412)
    assert api.get("/dags/etl") == before
    save(api, plan(api, definition)["plan_token"], definition)


def test_a_token_is_for_its_maker_and_its_definitions(sqlite_api: Api) -> None:
    definition = {"dag_id": "etl", "tasks": {"a": NOOP}}
    token = plan(sqlite_api, definition)["plan_token"]
    for refused in (
        save(sqlite_api, token, definition, token=sqlite_api.token_of(Role.AUTHOR), status=422),
        save(sqlite_api, token, {**definition, "description": "other"}, status=422),
        save(sqlite_api, f"{token}x", definition, status=422),
    ):
        assert refused["errors"][0]["code"] == "invalid_plan_token"
    save(sqlite_api, token, definition)


def test_many_definitions_are_saved_all_or_none(api: Api) -> None:
    good, bad = {"dag_id": "good", "tasks": {"a": NOOP}}, {"text": "tasks:\n  a: {type: nop}\n", "dag_id": "bad"}
    refused = save(api, None, good, bad, status=422)
    assert [(error["pointer"], error["line"]) for error in refused["errors"]] == [("/definitions/1/tasks/a/type", 2)]
    api.get("/dags/good", 404)
    save(api, None, good, {"text": "tasks: {a: {type: noop}} # fine\n", "dag_id": "bad"})
    assert api.request("GET", "/dags/bad/definition?form=sent").body == b"tasks: {a: {type: noop}} # fine\n"


def test_rights_are_checked_for_each_dag_before_the_first_is_saved(api: Api) -> None:
    author = api.token_of(None, grants=[Grant(pattern="mine*", role=Role.AUTHOR)])
    mine, foreign = {"dag_id": "mine1", "tasks": {"a": NOOP}}, {"dag_id": "other", "tasks": {"a": NOOP}}
    assert api.request("PUT", "/dags", json={"definitions": [{"definition": mine}, {"definition": foreign}]},
                       token=author).status in (403, 404)  # fmt: skip
    api.get("/dags/mine1", 404)
    assert api.request("POST", "/dags/plan", json={"removed": ["other"]}, token=author).status in (403, 404)
    save(api, None, mine, token=author)


@pytest.mark.parametrize(
    "body",
    [
        {"definitions": [{}]},
        {"definitions": [{"text": "x", "definition": {}}]},
        {"definitions": [{"text": 1}]},
        {"definitions": [{"text": "a: b", "media_type": "text/html"}]},
        {"definitions": [{"definition": {"tasks": {"a": NOOP}}}]},
        {"definitions": [{"definition": {"dag_id": "x", "tasks": {"a": NOOP}}}] * 2},
        {"definitions": [{"text": "a: b"}] * 501},
        {"removed": [1]},
        {"unknown": 1},
    ],
)
def test_a_bad_plan_is_refused(sqlite_api: Api, body: Any) -> None:
    assert sqlite_api.post("/dags/plan", body, 422)["errors"]


def test_what_may_not_be_meant_is_a_warning(api: Api) -> None:
    api.post("/pools", {"name": "p", "slots": 1}, 201)
    text = """\
dag_id: etl
params: {type: object, properties: {rows: {type: integer}}}
tasks:
  a:
    type: shell
    command: ["echo", "{{ fine }}"]
    env: {ROWS: "${{ params.row }}", DAY: "{{ ds }}", DB_PASSWORD: hunter2, KEY: {secret: absent}}
  b: {type: dag, dag_id: absent, pool: p, pool_slots: 3}
"""
    expected = [
        ("unknown_secret", 4),
        ("unknown_param", 7),
        ("plain_braces", 7),
        ("looks_like_credential", 7),
        ("pool_too_small", 8),
        ("unknown_dag", 8),
    ]
    answers = [
        plan(api, {"text": text})["dags"][0],
        api.request("POST", "/dags/validate", data=text, content_type="application/yaml").json,
        api.request("PUT", "/dags/etl", data=text, content_type="application/yaml").json,
    ]
    for answer in answers:
        assert sorted((warning["code"], warning["line"]) for warning in answer["warnings"]) == sorted(expected)
    assert {warning["hint"] for warning in answers[0]["warnings"]} >= {"did you mean 'rows'?"}
    assert "warnings" not in api.get("/dags/etl/details")


def test_a_plan_of_a_hundred_definitions_is_quick(sqlite_api: Api) -> None:
    definitions = [{"dag_id": f"dag{n}", "tasks": {f"t{m}": SHELL for m in range(10)}} for n in range(100)]
    token = plan(sqlite_api, *definitions)["plan_token"]
    save(sqlite_api, token, *definitions)
    assert {dag["action"] for dag in plan(sqlite_api, *definitions)["dags"]} == {"unchanged"}


def test_a_plan_of_as_many_definitions_as_there_may_be_is_answered(sqlite_api: Api) -> None:
    definitions = [{"dag_id": f"dag{n}", "tasks": {"a": NOOP}} for n in range(500)]
    assert len(plan(sqlite_api, *definitions)["dags"]) == 500
    refused = plan(sqlite_api, *definitions, {"dag_id": "dag500", "tasks": {"a": NOOP}}, status=422)
    assert [error["pointer"] for error in refused["errors"]] == ["/definitions"]


def test_dags_that_run_each_other_in_a_circle_are_planned_and_saved(api: Api) -> None:
    circle = [{"dag_id": a, "tasks": {"call": {"type": "dag", "dag_id": b}}, "params": ROWS} for a, b in ("ab", "ba")]
    planned = plan(api, *circle)
    # The children come with the same plan, so they are there at the first run.
    assert [dag["warnings"] for dag in planned["dags"]] == [[], []]
    assert [dag["warnings"] for dag in save(api, planned["plan_token"], *circle)["dags"]] == [[], []]
    changed = [{**dag, "params": DAYS} for dag in circle]
    assert [dag["breaking"] for dag in plan(api, *changed)["dags"]] == [[], []]
    (gone,) = plan(api, removed=["a"])["dags"]
    assert [caller["caller"] for caller in gone["breaking"]] == ["b"]
    api.trigger("a")
    api.engine.run_until_idle()
    runs = api.get("/dags/~/dagRuns")["dag_runs"]
    assert {run["state"] for run in runs} == {"failed"}
    assert len(runs) == 11


def runs_of(api: Api, dag_id: str) -> list[str]:
    return sorted(run["logical_date"] for run in api.get(f"/dags/{dag_id}/dagRuns")["dag_runs"])


def at(monkeypatch: pytest.MonkeyPatch, ago: timedelta) -> None:
    """Let the plans be made in the past."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - ago

    monkeypatch.setattr(plans, "datetime", Clock)


def test_a_save_by_a_plan_makes_its_slots_and_those_that_came_due_since(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = (datetime.now(UTC) - timedelta(minutes=30)).isoformat()
    etl = {"dag_id": "etl", "tasks": {"a": NOOP}, "schedule": "*/5 * * * *", "start_date": start, "catchup": True}
    paused = {**etl, "dag_id": "paused", "is_paused_upon_creation": True}
    with monkeypatch.context() as patch:
        at(patch, timedelta(minutes=10))
        planned = plan(api, etl, paused)
    slots = [dag["due_slots"] for dag in planned["dags"]]
    assert (len(slots[0]), slots[1]) == (planned["dags"][0]["catchup_runs"], [])
    saved = [dag["due_slots"] for dag in save(api, planned["plan_token"], etl, paused)["dags"]]
    assert (saved[0][: len(slots[0])], len(saved[0]), saved[1]) == (slots[0], len(slots[0]) + 2, [])
    api.engine.run_until_idle()
    assert (runs_of(api, "etl"), runs_of(api, "paused")) == (saved[0], [])
    # Runs that are there are due no more.
    assert plan(api, etl)["dags"][0]["due_slots"] == save(api, None, etl)["dags"][0]["due_slots"] == []


def test_a_plan_whose_slot_was_overtaken_is_not_carried_out(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    start = (datetime.now(UTC) - timedelta(minutes=30)).isoformat()
    etl = {"dag_id": "etl", "tasks": {"a": NOOP}, "schedule": "*/5 * * * *", "start_date": start, "catchup": False}
    with monkeypatch.context() as patch:
        at(patch, timedelta(minutes=10))
        planned = plan(api, etl)
    assert planned["dags"][0]["catchup_runs"] == 1
    refused = save(api, planned["plan_token"], etl, status=412)
    assert planned["dags"][0]["due_slots"][0].removesuffix("Z") in refused["detail"]
    api.get("/dags/etl", 404)
    again = plan(api, etl)
    saved = save(api, again["plan_token"], etl)["dags"][0]["due_slots"]
    api.engine.run_until_idle()
    assert saved == again["dags"][0]["due_slots"] == runs_of(api, "etl")


def test_other_writers_do_not_wait_for_slots_and_warnings(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def outside(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            database = context().database
            assert not (isinstance(database, SharedTransaction) and database.connection is not None)
            seen.append(function.__name__)
            return function(*args, **kwargs)

        return call

    start = (datetime.now(UTC) - timedelta(minutes=30)).isoformat()
    etl = {"dag_id": "etl", "tasks": {"a": NOOP}, "schedule": "*/5 * * * *", "start_date": start}
    token = plan(api, etl)["plan_token"]
    monkeypatch.setattr(plan_effects, "next_slots", outside(plan_effects.next_slots))
    monkeypatch.setattr(plans, "warnings_of", outside(plans.warnings_of))
    save(api, token, etl)
    save(api, None, etl)
    save(api, None, {**etl, "schedule": "*/3 * * * *"})
    paused = {**etl, "dag_id": "paused", "is_paused_upon_creation": True}
    assert save(api, None, paused)["dags"][0]["due_slots"] == []
    assert (seen.count("next_slots"), seen.count("warnings_of")) == (4, 4)


FINE = {"definition": {"dag_id": "x", "tasks": {"a": NOOP}}}


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("PUT", "/dags", {"definitions": [FINE], "bundle_name": 1}, "/bundle_name"),
        ("PUT", "/dags", {"definitions": [FINE], "take_over": 1}, "/take_over"),
        ("PUT", "/dags", {"definitions": [FINE], "plan_token": 1}, "/plan_token"),
        ("PUT", "/dags", {"definitions": [FINE], "message": []}, "/message"),
        ("POST", "/dags/plan", {"definitions": {}}, "/definitions"),
        ("POST", "/dags/plan", {"definitions": [1]}, "/definitions/0"),
        ("POST", "/dags/plan", {"definitions": [{"definition": 1}]}, "/definitions/0/definition"),
        ("POST", "/dags/plan", {"definitions": [{"text": 1}]}, "/definitions/0/text"),
        ("POST", "/dags/plan", {"definitions": [FINE], "take_over": "true"}, "/take_over"),
        ("POST", "/dags/plan", {"removed": "a"}, "/removed"),
        ("POST", "/dags/prune", {"bundle_name": "team", "kept": ["a"], "force": 1}, "/force"),
        ("POST", "/dags/prune", {"bundle_name": "team", "kept": ["a"], "dry_run": 0}, "/dry_run"),
        ("POST", "/dags/etl/dagRuns/r1/version", {"version_number": 1.5}, "/version_number"),
        ("POST", "/dags/etl/dagRuns/r1/version", {"version_number": True}, "/version_number"),
        ("POST", "/dags/etl/dagRuns/r1/version", {"version_number": 1, "restart_running": 1}, "/restart_running"),
        ("POST", "/dags/etl/dagRuns", {"version_number": "1"}, "/version_number"),
        ("POST", "/dags/etl/dagRuns?wait=soon", {}, "wait"),
        ("POST", "/dagRuns", {"definition": 1}, "/definition"),
        ("POST", "/dagRuns", {"text": 1, "dag_id": "x"}, "/text"),
        ("PUT", "/dags/etl?bundle_name=a%20b", {"tasks": {"a": NOOP}}, "bundle_name"),
        ("PUT", "/dags/etl?bundle_name=a&take_over=7", {"tasks": {"a": NOOP}}, "take_over"),
    ],
)
def test_a_wrong_type_is_refused_at_its_place(sqlite_api: Api, method: str, path: str, body: Any, pointer: str) -> None:
    sqlite_api.save()
    sqlite_api.trigger(run_id="r1")
    answer = sqlite_api.request(method, path, json=body)
    assert (answer.status, [error["pointer"] for error in answer.json["errors"]]) == (422, [pointer])
