"""Versions of DAGs: the text as sent, who saved a version and why, and the differences between two versions."""

from mainspring_store.access.roles import Grant, Role
from tests.api.harness import Api

YAML = """\
# Loads the sales of a day.
description: two steps
tasks:
  a: {type: noop}   # begins
  b: {type: noop, depends_on: [a]}
"""
SENT = "/dags/etl/definition?form=sent"


def save(api: Api, text: str, path: str = "/dags/etl", **options: object) -> int:
    return api.request("PUT", path, data=text.encode(), content_type="application/yaml", **options).status


def test_the_text_is_kept_as_it_was_sent(api: Api) -> None:
    assert save(api, YAML) == 201
    sent = api.request("GET", SENT)
    assert (sent.status, sent.body.decode(), sent.media_type) == (200, YAML, "text/plain")
    assert sent.headers["Content-Disposition"] == 'attachment; filename="etl.v1.yaml"'
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    assert api.get("/dags/etl/definition")["description"] == "two steps"
    assert api.get("/dags/etl/dagVersions/1")["source_media_type"] == "application/yaml"

    api.put("/dags/etl", {"tasks": {"a": {"type": "noop"}}})
    assert api.request("GET", SENT).headers["Content-Disposition"] == 'attachment; filename="etl.v2.json"'
    assert api.request("GET", f"{SENT}&version_number=1").body.decode() == YAML
    api.get(f"{SENT}&version_number=3", 404)
    api.get("/dags/etl/definition?form=other", 422)


def test_new_comments_replace_the_text_without_a_new_version(api: Api) -> None:
    save(api, YAML)
    tag = api.request("GET", SENT).headers["ETag"]
    changed = YAML.replace("# begins", "# begins, does nothing")
    assert save(api, changed, headers={"If-Match": tag}) == 200
    assert api.get("/dags/etl/dagVersions")["total_entries"] == 1
    assert api.request("GET", SENT).body.decode() == changed
    # Two people who edit comments alone: the later one is refused.
    assert save(api, YAML, headers={"If-Match": tag}) == 412
    assert api.request("GET", SENT).body.decode() == changed


def test_the_text_obeys_the_grants_of_its_dag_and_goes_with_it(api: Api) -> None:
    save(api, YAML)
    stranger = api.token_of(None, grants=[Grant(pattern="other*", role=Role.VIEWER)])
    assert api.request("GET", SENT, token=stranger).status == 404
    assert api.request("GET", "/dags/etl/dagVersions/1/diff/1", token=stranger).status == 404
    assert api.request("GET", SENT, token=None).status == 401
    api.delete("/dags/etl")
    api.get(SENT, 404)


def test_a_version_of_an_earlier_release_has_no_text(api: Api) -> None:
    save(api, YAML)
    with api.database.write() as connection:
        connection.exec_driver_sql("UPDATE dag_version SET source = NULL, source_media_type = NULL, summary = NULL")
    assert "without its text" in api.get(SENT, 404)["detail"]
    save(api, YAML.replace("two steps", "2 steps"))
    diff = api.get("/dags/etl/dagVersions/1/diff/2")
    assert diff["form"] == "normalised"
    assert '-  "description": "two steps",' in diff["diff"]


def test_a_version_tells_who_saved_it_why_and_what_changed(api: Api) -> None:
    save(api, YAML, "/dags/etl?message=begin")
    author = api.token_of(Role.AUTHOR)
    save(api, YAML.replace("depends_on: [a]", "retries: 2") + "  c: {type: noop}\n", token=author)
    api.trigger(run_id="r1")
    first, second = api.get("/dags/etl/dagVersions")["dag_versions"]
    assert (first["message"], first["summary"], first["run_count"]) == ("begin", "first version, 2 tasks", 0)
    assert (second["message"], second["created_by"], second["run_count"]) == (None, "a author", 1)
    assert second["summary"] == "'b' no longer waits for 'a'; 'b': retries added; task 'c' added"
    assert api.get("/dags/etl/dagVersions/2") == second


def test_two_versions_are_compared_by_meaning_and_by_lines(api: Api) -> None:
    save(api, YAML)
    save(api, YAML.replace("# begins", "# starts").replace("two steps", "2 steps"))
    diff = api.get("/dags/etl/dagVersions/1/diff/2")
    assert [(change["op"], change["kind"], change["path"]) for change in diff["changes"]] == [
        ("change", "text", "/description")
    ]
    assert (diff["older"]["version_number"], diff["newer"]["version_number"], diff["form"]) == (1, 2, "sent")
    assert "-  a: {type: noop}   # begins\n+  a: {type: noop}   # starts\n" in diff["diff"]
    back = api.get("/dags/etl/dagVersions/2/diff/1")["changes"]
    assert [(change["before"], change["after"]) for change in back] == [("2 steps", "two steps")]
    assert api.get("/dags/etl/dagVersions/1/diff/1")["changes"] == []
    api.get("/dags/etl/dagVersions/1/diff/9", 404)
    api.get("/dags/other/dagVersions/1/diff/1", 404)


def test_a_definition_with_groups_is_kept_as_sent_and_answered_without_them(api: Api) -> None:
    groups = {"load": {"default_args": {"retries": 2}, "depends_on": ["a"], "tasks": {"rows": {"type": "noop"}}}}
    document = {"tasks": {"a": {"type": "noop"}, "z": {"type": "noop", "depends_on": ["load"]}}, "groups": groups}
    api.put("/dags/etl", document, 201)
    assert api.get("/dags/etl/definition") == {"dag_id": "etl", **document}
    flat = {
        "a": {"type": "noop"},
        "z": {"type": "noop", "depends_on": ["load.rows"]},
        "load.rows": {"type": "noop", "retries": 2, "depends_on": ["a"]},
    }
    load = {
        "group_display_name": None,
        "tooltip": None,
        "parent_id": None,
        "task_ids": ["load.rows"],
        "is_mapped": False,
    }
    answered = api.get("/dags/etl/definition?form=flat")
    assert answered == {"dag_id": "etl", "tasks": flat, "x-groups": {"load": load}}
    api.put("/dags/etl", api.get("/dags/etl/definition"))
    groups["load"]["default_args"] = {"retries": 3}
    api.put("/dags/etl", document)
    versions = api.get("/dags/etl/dagVersions")["dag_versions"]
    assert [version["summary"] for version in versions] == ["first version, 3 tasks", "'load.rows': retries 2 → 3"]
    [change] = api.get("/dags/etl/dagVersions/1/diff/2")["changes"]
    assert (change["path"], change["task_id"]) == ("/groups/load/tasks/rows/retries", "load.rows")
    assert [task["task_id"] for task in api.get("/dags/etl/tasks")["tasks"]] == ["a", "load.rows", "z"]
