"""Who may do what: every route, each role, on one's own DAGs and on those of others (S4, S8, S9)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from mainspring_api.http.middleware import PUBLIC_OPERATIONS
from mainspring_api.http.permissions import Over, Permission
from mainspring_store.access.roles import Grant, Role
from mainspring_store.access.tokens import add_token
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Answer, Api
from tests.api.permissions import NEEDED, PUBLIC
from tests.api.test_security import raw, rules

SCHEDULED = {"schedule": {"cron": "0 0 * * *"}, "start_date": "2026-01-01"}
RANGE = {"from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-02T00:00:00Z"}
UNCHANGING = ("get_", "list_", "wait_")


@pytest.fixture(scope="module")
def shared(open_api: OpenApi) -> Iterator[Api]:
    """With the DAGs `etl` and `other`, a run `r1` of each, and backfill 1 of `etl`, 2 of `other`."""
    with open_api("sqlite") as api:
        for dag_id in ("etl", "other"):
            api.save(dag_id, {"a": SHELL}, **SCHEDULED)
            api.trigger(dag_id, "r1")
            api.post("/backfills", {"dag_id": dag_id, **RANGE})
        yield api


def granted(api: Api, role: Role, pattern: str = "etl", *, everywhere: Role | None = None) -> str:
    """A token with a role on some DAGs alone, or one above the role that it has everywhere."""
    token = f"ms_{role}_on_{pattern}_{everywhere}_{datetime.now(UTC).timestamp()}"
    grants = [Grant(pattern=pattern, role=role)]
    assert add_token(api.database, token, name="granted", role=everywhere, grants=grants, now=datetime.now(UTC))
    return token


def operations(api: Api) -> list[tuple[str, str, str]]:
    """Method, operation id and a path of every operation with a credential."""
    return [
        (method, rule.endpoint.rpartition(".")[2], path)
        for method, rule, path in rules(api)
        if rule.endpoint not in PUBLIC_OPERATIONS
        and not rule.endpoint.startswith(("absent.", "moved."))
        and method not in ("HEAD", "OPTIONS")
    ]


def asked(api: Api, token: str, method: str, path: str) -> Answer:
    """A request whose body no operation takes, so that it changes nothing where it is let in."""
    return raw(api, method, path, {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"})


def test_every_route_stands_in_the_table_with_what_it_needs(shared: Api) -> None:
    found: dict[str, tuple[str, str]] = {}
    public = set()
    absent = {name for name in shared.app.view_functions if name.startswith("absent.")}
    for endpoint, view in shared.app.view_functions.items():
        if endpoint in absent:
            assert view.permission.over is Over.SELF  # type: ignore[attr-defined]
            continue
        operation = endpoint.rpartition(".")[2]
        permission: Permission | None = getattr(view, "permission", None)
        if permission is None:
            public.add(operation)
        else:
            found[operation] = (permission.role.value, permission.over.value)
    assert public == PUBLIC == {endpoint.rpartition(".")[2] for endpoint in PUBLIC_OPERATIONS}
    assert found == NEEDED


@pytest.mark.parametrize("role", list(Role))
def test_a_role_everywhere_opens_what_needs_it_and_nothing_else(shared: Api, role: Role) -> None:
    token = shared.token_of(role)
    for method, operation, path in operations(shared):
        if method == "DELETE" or operation in ("cancel_backfill", "cancel_backfill_by_post"):
            continue
        needed, over = NEEDED[operation]
        answer = asked(shared, token, method, path)
        is_refused = over != "self" and not role.includes(Role(needed))
        assert (answer.status == 403) == is_refused, (method, path, answer.body)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.AUTHOR])
def test_a_role_on_one_dag_opens_that_dag_alone(shared: Api, role: Role) -> None:
    token = granted(shared, role)
    walked = 0
    for method, operation, path in operations(shared):
        needed, over = NEEDED[operation]
        if method == "DELETE" or "etl" not in path or over == "self":
            continue
        own = asked(shared, token, method, path)
        assert (own.status == 403) == (not role.includes(Role(needed))), (method, path, own.body)
        others = asked(shared, token, method, path.replace("etl", "other"))
        absent = asked(shared, token, method, path.replace("etl", "no_such_dag"))
        assert others.status == absent.status == 404, (method, path, others.body)
        assert others.json["detail"] == absent.json["detail"].replace("no_such_dag", "other")
        walked += 1
    assert walked > 30


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_a_backfill_of_a_dag_that_is_not_seen_does_not_exist(shared: Api, method: str) -> None:
    token = granted(shared, Role.OPERATOR)
    tail = "" if method == "GET" else "/pause"
    for key, status in ((1, 200), (2, 404), (99, 404), (2**70, 404)):
        assert asked(shared, token, method, f"/api/v2/backfills/{key}{tail}").status == status
    assert asked(shared, granted(shared, Role.VIEWER), "PUT", "/api/v2/backfills/1/pause").status == 403


def test_what_belongs_to_no_dag_is_closed_to_who_has_grants_alone(shared: Api) -> None:
    token = granted(shared, Role.AUTHOR, "*")
    for method, operation, path in operations(shared):
        if NEEDED[operation][1] == "all":
            assert asked(shared, token, method, path).status == 403, (method, path)


@pytest.mark.parametrize(
    ("path", "member"),
    [
        pytest.param("/dags", "dags", id="DAGs"),
        pytest.param("/dags/~/dagRuns", "dag_runs", id="runs"),
        pytest.param("/dags/~/dagRuns?cursor=", "dag_runs", id="runs by cursor"),
        pytest.param("/dags/~/dagRuns/~/taskInstances", "task_instances", id="instances"),
        pytest.param("/dags/~/dagVersions", "dag_versions", id="versions"),
    ],
)
def test_lists_hold_the_dags_that_are_seen(shared: Api, path: str, member: str) -> None:
    for pattern, dag_ids in {"etl": {"etl"}, "e*": {"etl"}, "ETL": set(), "*": {"etl", "other"}}.items():
        found = shared.get(path, token=granted(shared, Role.VIEWER, pattern))
        assert {each["dag_id"] for each in found[member]} == dag_ids
        assert found["total_entries"] == len(found[member])


def test_tags_and_counts_are_those_of_the_dags_that_are_seen(api: Api) -> None:
    for dag_id, tags in (("etl_a", ["daily", "mine"]), ("etl_b", ["mine"]), ("other", ["theirs", "daily"])):
        api.save(dag_id, tags=tags)
        api.trigger(dag_id)
    token = granted(api, Role.VIEWER, "etl_*")
    assert api.get("/dagTags", token=token) == {"tags": ["daily", "mine"], "total_entries": 2}
    assert api.get("/dagTags?tag_name_pattern=theirs", token=token) == {"tags": [], "total_entries": 0}
    for query in ("", "?dag_ids=etl_a&dag_ids=etl_b&dag_ids=other"):
        counted = api.get(f"/dagStats{query}", token=token)
        assert [(each["dag_id"], each["stats"][0]["count"]) for each in counted["dags"]] == [("etl_a", 1), ("etl_b", 1)]
        assert counted["total_entries"] == 2
    assert api.get("/dagTags", token=api.token_of(Role.VIEWER))["total_entries"] == 3
    assert api.get("/dagStats", token=api.token_of(Role.VIEWER))["total_entries"] == 3


def test_dags_are_paused_together_where_the_role_is_held(api: Api) -> None:
    for dag_id in ("etl_a", "etl_b", "other"):
        api.save(dag_id)
    token = granted(api, Role.OPERATOR, "etl_*", everywhere=Role.VIEWER)
    changed = api.patch("/dags?dag_id_pattern=~", {"is_paused": True}, token=token)
    assert ([dag["dag_id"] for dag in changed["dags"]], changed["total_entries"]) == (["etl_a", "etl_b"], 2)
    assert [dag["dag_id"] for dag in api.get("/dags?paused=true", token=token)["dags"]] == ["etl_a", "etl_b"]
    assert api.get("/dags", token=token)["total_entries"] == 3
    assert api.request("PATCH", "/dags", json={"is_paused": True}, token=granted(api, Role.VIEWER)).status == 403


def test_a_body_that_names_another_dag_is_refused_as_if_there_were_none(shared: Api) -> None:
    token = granted(shared, Role.OPERATOR)
    for dag_id in ("other", "no_such_dag"):
        for path in ("/backfills", "/backfills/dry_run"):
            assert shared.post(path, {"dag_id": dag_id, **RANGE}, 404, token=token)["code"] == "not_found"
        assert shared.get(f"/backfills?dag_id={dag_id}", 404, token=token)["code"] == "not_found"


def test_every_dag_at_once_is_not_within_reach_of_who_has_some(shared: Api) -> None:
    token = granted(shared, Role.AUTHOR)
    assert shared.request("PATCH", "/dags/~", json={"is_paused": True}, token=token).status == 403
    assert shared.request("POST", "/dags/~/dagRuns", json={}, token=token).status == 403


def test_a_grant_adds_to_the_role_that_is_held_everywhere(shared: Api) -> None:
    token = granted(shared, Role.OPERATOR, everywhere=Role.VIEWER)
    assert shared.post("/dags/etl/dagRuns", {}, token=token)["dag_id"] == "etl"
    assert shared.post("/dags/other/dagRuns", {}, 403, token=token)["code"] == "forbidden"
    assert shared.get("/dags", token=token)["total_entries"] == 2


def test_an_author_creates_dags_within_the_grant_alone(api: Api) -> None:
    token = granted(api, Role.AUTHOR, "team_a.*")
    api.put("/dags/team_a.etl", {"tasks": {"a": SHELL}}, 201, token=token)
    api.put("/dags/team_b.etl", {"tasks": {"a": SHELL}}, 404, token=token)
    assert [each["dag_id"] for each in api.get("/dags", token=token)["dags"]] == ["team_a.etl"]


@pytest.mark.parametrize(
    ("task", "pointer"),
    [
        pytest.param({"type": "dag", "dag_id": "team_b.etl"}, "/tasks/a/dag_id", id="runs another's DAG"),
        pytest.param({**SHELL, "env": {"T": {"secret": "team_b.token"}}}, "/tasks/a", id="another's secret"),
    ],
)
def test_a_dag_reaches_no_further_than_its_author(api: Api, task: dict[str, Any], pointer: str) -> None:
    token = granted(api, Role.AUTHOR, "team_a.*")
    api.save("team_b.etl")
    body = {"tasks": {"a": task}}
    refused = api.put("/dags/team_a.etl", body, 422, token=token)
    assert [(each["code"], each["pointer"]) for each in refused["errors"]] == [("not_allowed", pointer)]
    refused = api.put("/dags/team_a.etl", {"groups": {"g": body}}, 422, token=token)
    assert [(each["code"], each["pointer"]) for each in refused["errors"]] == [("not_allowed", f"/groups/g{pointer}")]
    api.put("/dags/team_a.etl", body, 201)


def test_variables_and_pools_are_shared_by_all_definitions(api: Api) -> None:
    """docs/identity.md says so: an author by grants alone uses both, and reads neither over the API."""
    api.post("/variables", {"key": "region", "value": "eu"}, 201)
    api.post("/pools", {"name": "db", "slots": 1}, 201)
    token = granted(api, Role.AUTHOR, "team_a.*")
    for path in ("/variables", "/variables/region", "/pools", "/pools/db"):
        assert api.request("GET", path, token=token).status == 403
    task = {**SHELL, "pool": "db", "env": {"REGION": "${{ vars.region }}"}}
    api.put("/dags/team_a.etl", {"tasks": {"a": task}}, 201, token=token)


def test_a_dag_names_secrets_and_dags_of_its_authors_grant(api: Api) -> None:
    token = granted(api, Role.AUTHOR, "team_a.*")
    api.save("team_a.child")
    tasks = {
        "run": {"type": "dag", "dag_id": "team_a.child"},
        "use": {**SHELL, "env": {"T": {"secret": "team_a.token"}}},
    }
    api.put("/dags/team_a.etl", {"tasks": tasks}, 201, token=token)
