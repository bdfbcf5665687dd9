"""Plans of definitions: what a save would change, its token, many definitions at once, and warnings."""

from typing import Any

import pytest

from mainspring_store.access.roles import Grant, Role
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
