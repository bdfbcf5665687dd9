"""How much one principal may have of each: exceeded, made room for, counted for the right one, and at what cost."""

import dataclasses
import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from mainspring.quotas import Quotas
from mainspring_api import ApiSettings
from mainspring_api.app import close_app, create_app
from mainspring_store.access.roles import Role
from mainspring_store.access.stored_totals import ROW_BYTES, StoredTotals
from mainspring_store.access.users import create_user
from mainspring_store.tables import dag_run, task_try, user_account
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Answer, Api

FEW = Quotas(dags=2, active_runs=2, active_tasks=5, log_bytes=100, secrets=2, connections=2, variables=2)
NOOP = {"a": {"type": "noop"}}
RANGE = {"dag_id": "etl", "from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-05T00:00:00Z"}


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def few(open_api: OpenApi, kind: str) -> Iterator[Api]:
    """An API in which nobody may have much."""
    with open_api(kind, quotas=FEW) as api:
        yield api


def trigger(api: Api, dag_id: str = "etl", **options: Any) -> Answer:
    return api.request("POST", f"/dags/{dag_id}/dagRuns", json={}, **options)


def user(api: Api, name: str) -> str:
    """Make one; returns its id."""
    create_user(api.database, name, password_hash="-", role=Role.AUTHOR, now=datetime.now(UTC))
    with api.database.read() as connection:
        return str(connection.scalar(select(user_account.c.id).where(user_account.c.username == name)))


def assert_exceeded(answer: Answer, setting: str) -> None:
    assert (answer.status, answer.json["code"]) == (403, "quota_exceeded"), answer.body
    assert setting in answer.json["detail"]
    assert "Retry-After" not in answer.headers


CREATED: Mapping[str, tuple[str, str, Callable[[str], Any]]] = {
    "dags": ("PUT", "/dags/{}", lambda name: {"tasks": NOOP}),
    "secrets": ("PUT", "/secrets/{}", lambda name: {"value": "kanarienvogel"}),
    "connections": ("POST", "/connections", lambda name: {"connection_id": name, "conn_type": "http"}),
    "variables": ("POST", "/variables", lambda name: {"key": name, "value": "v"}),
}


@pytest.mark.parametrize("what", CREATED)
def test_what_is_created_is_counted(few: Api, what: str) -> None:
    method, path, body = CREATED[what]

    def create(name: str, **options: Any) -> Answer:
        return few.request(method, path.format(name), json=body(name), **options)

    assert [create(name).status for name in ("one", "two")] == [201, 201]
    assert_exceeded(create("three"), f"quota_{what}")
    assert few.get(f"/{what}")["total_entries"] == 2
    assert create("three", token=few.token_of(Role.AUTHOR)).status == 201, "what others have does not count"
    few.delete(f"/{what}/one")
    assert create("four").status == 201


def test_what_exists_is_written_again_whatever_is_used_up(few: Api) -> None:
    for name in ("one", "two"):
        few.save(name)
        few.put(f"/secrets/{name}", {"value": "kanarienvogel"}, 201)
    assert few.request("PUT", "/dags/one", json={"tasks": NOOP}).status == 200
    assert few.request("PUT", "/secrets/one", json={"value": "nachtigall"}).status == 200


def test_a_bulk_action_is_refused_as_a_whole(few: Api) -> None:
    def create(*keys: str, existing: str = "fail") -> Any:
        entities = [{"key": key, "value": "v"} for key in keys]
        action = {"action": "create", "entities": entities, "action_on_existence": existing}
        return few.patch("/variables", {"actions": [action]})["create"]

    refused = create("a", "b", "c")
    assert (refused["success"], refused["errors"][0]["status_code"]) == ([], 403)
    assert "quota_variables" in refused["errors"][0]["error"]
    assert create("a", "b")["success"] == ["a", "b"]
    assert create("a", "b", existing="overwrite")["success"] == ["a", "b"]


def test_active_runs_are_counted_until_they_end(few: Api) -> None:
    few.save(tasks=NOOP)
    assert [trigger(few).status for _ in range(3)] == [200, 200, 403]
    assert_exceeded(trigger(few), "quota_active_runs")
    assert few.get("/dags/etl/dagRuns")["total_entries"] == 2
    few.engine.run_until_idle()
    assert trigger(few).status == 200


def test_tasks_of_active_runs_are_counted_until_they_end(few: Api) -> None:
    few.save(tasks={name: {"type": "noop"} for name in "abc"})
    assert trigger(few).status == 200
    assert_exceeded(trigger(few), "quota_active_tasks")
    few.engine.run_until_idle()
    assert trigger(few).status == 200


def test_a_run_that_is_too_large_for_its_quota_is_refused_at_once(few: Api) -> None:
    few.save(tasks={name: {"type": "noop"} for name in "abcdef"})
    assert_exceeded(trigger(few), "quota_active_tasks")


def test_with_more_log_than_may_be_kept_there_are_no_new_runs_until_some_are_deleted(few: Api) -> None:
    few.save(tasks={"a": SHELL}, schedule="@daily")
    run_id = few.trigger()
    few.engine.run_until_idle()
    few.engine.finish("a", run_id=run_id)
    with few.database.write() as connection:
        connection.execute(update(task_try).values(log_bytes=101))
    count_stored(few)
    assert_exceeded(trigger(few), "quota_log_bytes")
    assert_exceeded(few.request("POST", "/backfills", json=RANGE), "quota_log_bytes")
    assert trigger(few, token=few.token_of(Role.OPERATOR)).status == 200
    few.delete(f"/dags/etl/dagRuns/{run_id}")
    count_stored(few)
    assert trigger(few).status == 200


STORED: Mapping[str, Mapping[str, Any]] = {
    "conf": {"conf": {"text": secrets.token_hex(20_000)}},
    "note": {"note": secrets.token_hex(500)},
}


@pytest.mark.parametrize("what", STORED)
def test_what_a_run_stores_counts_until_the_run_is_deleted(open_api: OpenApi, kind: str, what: str) -> None:
    rows = 2 * ROW_BYTES
    with open_api(kind, quotas=Quotas(run_bytes=rows + 800)) as api:
        api.save(tasks=NOOP, schedule="@daily")
        run_id = api.post("/dags/etl/dagRuns", STORED[what])["dag_run_id"]
        count_stored(api)
        assert_exceeded(trigger(api), "quota_run_bytes")
        assert_exceeded(api.request("POST", "/backfills", json=RANGE), "quota_run_bytes")
        entries = f"/dags/etl/dagRuns/{run_id}/taskInstances/a/xcomEntries"
        assert_exceeded(api.request("POST", entries, json={"key": "k", "value": "v"}), "quota_run_bytes")
        assert_exceeded(api.request("PATCH", f"{entries}/k", json={"value": "v"}), "quota_run_bytes")
        assert trigger(api, token=api.token_of(Role.OPERATOR)).status == 200
        api.delete(f"/dags/etl/dagRuns/{run_id}")
        count_stored(api)
        assert trigger(api).status == 200


def test_instances_payloads_and_outputs_count_for_the_principal_of_their_run(open_api: OpenApi, kind: str) -> None:
    with open_api(kind) as api:
        api.save(tasks={"a": SHELL, "b": {"type": "noop"}})
        run_id = api.trigger()
        counts = [bytes_of_runs(api)]
        api.engine.run_until_idle()
        counts.append(bytes_of_runs(api))
        api.engine.finish("a", run_id=run_id, outputs={"text": secrets.token_hex(500)})
        api.engine.run_until_idle()
        counts.append(bytes_of_runs(api))
    run_and_instances, try_of_a, output = 3 * ROW_BYTES, ROW_BYTES, ROW_BYTES + 1000
    assert run_and_instances <= counts[0] < run_and_instances + 300
    assert counts[1] - counts[0] >= try_of_a
    assert output <= counts[2] - counts[1] < output + 700


def bytes_of_runs(api: Api) -> int:
    """Of the one principal that has runs."""
    count_stored(api)
    totals: StoredTotals = api.app.extensions["mainspring"].usage._stored_totals
    (total,) = totals._totals.run_bytes.values()
    return total


def count_stored(api: Api) -> None:
    """As if a minute had passed since it was done."""
    totals: StoredTotals = api.app.extensions["mainspring"].usage._stored_totals
    totals._next_at = 0.0
    counting = totals.refresh()
    assert counting is not None
    counting.result(30)


def test_logs_are_counted_at_most_once_a_minute_and_a_hundredth_of_the_time(sqlite_api: Api) -> None:
    now, cost = [0.0], [0.0]

    def monotonic() -> float:
        now[0] += cost[0]
        return now[0]

    totals = StoredTotals(sqlite_api.database, monotonic=monotonic)

    def is_counted(at: float) -> bool:
        now[0] = at
        counting = totals.refresh()
        if counting is not None:
            counting.result(30)
        return counting is not None

    assert [is_counted(at) for at in (0, 59, 60, 119)] == [True, False, True, False]
    cost[0] = 2.0  # each look at the clock takes two seconds, and so does the count
    assert is_counted(120)
    cost[0] = 0.0
    assert [is_counted(at) for at in (300, 330)] == [False, True]
    totals.close()


def test_a_token_counts_for_its_user(few: Api) -> None:
    few.save(tasks=NOOP)
    anna = user(few, "anna")
    tokens = [few.token_of(Role.AUTHOR, user_id=anna) for _ in range(2)]
    assert [trigger(few, token=token).status for token in (*tokens, *tokens)] == [200, 200, 403, 403]
    assert "'anna'" in trigger(few, token=tokens[0]).json["detail"]
    assert trigger(few).status == 200


def test_zero_is_any_number(open_api: OpenApi) -> None:
    none = Quotas(**dict.fromkeys((item.name for item in dataclasses.fields(Quotas)), 0))
    with open_api("sqlite", quotas=none) as api:
        api.save(tasks=NOOP)
        assert trigger(api).status == 200
        api.put("/secrets/s", {"value": "v"}, 201)


def test_a_backfill_needs_room_for_its_runs_and_they_count(few: Api) -> None:
    few.save(tasks={"a": SHELL}, schedule="@daily", max_active_runs=1)
    assert_exceeded(few.request("POST", "/backfills", json={**RANGE, "max_active_runs": 3}), "quota_active_runs")
    few.post("/backfills", {**RANGE, "max_active_runs": 2})
    few.engine.run_until_idle()
    assert counted(few) == 2
    assert_exceeded(trigger(few), "quota_active_runs")
    assert trigger(few, token=few.token_of(Role.OPERATOR)).status == 200


def test_scheduled_runs_are_never_refused_and_count_for_nobody(few: Api) -> None:
    few.save(tasks={"a": SHELL}, schedule="@daily", start_date="2026-01-01", catchup=True, max_active_runs=4)
    few.engine.run_until_idle()
    assert few.get("/dags/etl/dagRuns?run_type=scheduled")["total_entries"] == 4
    assert counted(few) == 0
    assert trigger(few).status == 200


def test_runs_of_dag_tasks_count_for_whom_their_parent_does(few: Api) -> None:
    few.save("child", tasks={"a": SHELL})
    few.save("parent", tasks={"call": {"type": "dag", "dag_id": "child"}})
    assert trigger(few, "parent").status == 200
    few.engine.run_until_idle()
    assert few.get("/dags/child/dagRuns")["total_entries"] == 1
    assert counted(few) == 2
    assert_exceeded(trigger(few, "child"), "quota_active_runs")


def counted(api: Api) -> int:
    """Active runs that count for somebody."""
    of_somebody = dag_run.c.principal_id.is_not(None) & dag_run.c.state.in_(["queued", "running"])
    with api.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(dag_run).where(of_somebody)) or 0


def test_versions_of_definitions_count_until_their_dag_is_deleted(open_api: OpenApi, kind: str) -> None:
    with open_api(kind, quotas=Quotas(definition_bytes=2 * ROW_BYTES + 3000)) as api:
        text = f"tasks: {{a: {{type: noop}}}} # {secrets.token_hex(1500)}"
        for dag_id in ("etl", "other"):
            saved = api.request("PUT", f"/dags/{dag_id}", data=text, content_type="application/yaml")
            assert saved.status == 201
        count_stored(api)
        assert_exceeded(api.request("PUT", "/dags/etl", json={"tasks": {"b": SHELL}}), "quota_definition_bytes")
        api.delete("/dags/other")
        count_stored(api)
        api.put("/dags/etl", {"tasks": {"b": SHELL}})


def test_requests_at_once_at_several_processes_do_not_exceed_it_together(few: Api) -> None:
    few.save(tasks=NOOP)
    settings: ApiSettings = few.app.extensions["mainspring"].settings
    other = create_app(settings)
    clients = [app.test_client() for app in (few.app, other) for _ in range(4)]

    def ask(client: Any) -> int:
        headers = {"Authorization": f"Bearer {few.token}"}
        return int(client.post("/api/v2/dags/etl/dagRuns", json={}, headers=headers).status_code)

    with ThreadPoolExecutor(len(clients)) as pool:
        statuses = list(pool.map(ask, clients))
    close_app(other)
    assert sorted(statuses) == [200] * 2 + [403] * 6
    assert counted(few) == 2


def test_far_from_a_quota_not_every_request_is_counted(api: Api) -> None:
    api.save(tasks=NOOP)
    statements: list[str] = []
    here = api.app.extensions["mainspring"]
    listener = lambda *given: statements.append(given[2])  # noqa: E731  # statement of before_cursor_execute
    event.listen(here.database.engine, "before_cursor_execute", listener)
    for _ in range(10):
        assert trigger(api).status == 200
    event.remove(here.database.engine, "before_cursor_execute", listener)
    counts = [one for one in statements if "principal_id =" in one and "dag_run" in one and "count(" in one]
    assert 1 <= len(counts) <= 4, "one in ten seconds"


def test_what_there_was_before_counts_for_nobody(few: Api) -> None:
    few.save("one")
    few.save("two")
    with few.database.write() as connection:
        connection.exec_driver_sql("UPDATE dag SET principal_id = NULL")
    few.save("three")
