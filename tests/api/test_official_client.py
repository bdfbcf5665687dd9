"""Airflow's own Python client, unchanged, against a real server: every method of the operations that we have."""

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Timer

import airflow_client.client as client
import pytest
from airflow_client.client import models
from airflow_client.client.exceptions import (
    BadRequestException,
    ConflictException,
    ForbiddenException,
    NotFoundException,
    UnauthorizedException,
    UnprocessableEntityException,
)

from mainspring_api.resources.service.version import AIRFLOW_VERSION
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api
from tests.api.server import serve


@pytest.fixture(scope="module")
def api(open_api: OpenApi) -> Iterator[Api]:
    """The same database as the server's, for what the client cannot do and the scheduler does."""
    with open_api("sqlite") as api:
        yield api


@pytest.fixture(scope="module")
def url(api: Api) -> Iterator[str]:
    with serve(api) as server:
        yield server.url


@pytest.fixture(scope="module")
def airflow(api: Api, url: str) -> Iterator[client.ApiClient]:
    configuration = client.Configuration(host=url, access_token=api.token)
    with client.ApiClient(configuration) as connected:
        yield connected


@pytest.fixture
def run(api: Api) -> Iterator[str]:
    """A run of `etl` whose `a` succeeded with outputs and whose `b` has been handed to the executor."""
    api.save("etl", {"a": SHELL, "b": {**SHELL, "depends_on": ["a"]}}, tags=["t"], owners=["ann"])
    run_id = api.trigger(conf={"n": 1}, logical_date="2026-01-01T00:00:00Z", note="hello")
    api.engine.run_until_idle()
    api.engine.finish("a", run_id=run_id, outputs={"return_value": {"rows": 2}})
    yield run_id
    api.patch(f"/dags/etl/dagRuns/{run_id}", {"state": "failed"})
    api.delete("/dags/etl")


def test_health_and_version_need_no_token(url: str) -> None:
    with client.ApiClient(client.Configuration(host=url)) as anonymous:
        health = client.MonitorApi(anonymous).get_health()
        assert (health.metadatabase.status, health.scheduler.status) == ("healthy", "unhealthy")
        assert client.VersionApi(anonymous).get_version().version == AIRFLOW_VERSION
        with pytest.raises(UnauthorizedException):
            client.DAGApi(anonymous).get_dags()
    with (
        client.ApiClient(client.Configuration(host=url, access_token="wrong")) as stranger,
        pytest.raises(ForbiddenException),
    ):
        client.DAGApi(stranger).get_dags()


def test_dags(airflow: client.ApiClient, run: str) -> None:
    dags = client.DAGApi(airflow)
    listed = dags.get_dags(tags=["t"], limit=10, order_by=["-dag_id"], paused=False)
    assert (listed.total_entries, listed.dags[0].dag_id, listed.dags[0].tags[0].name) == (1, "etl", "t")
    one = dags.get_dag("etl")
    assert (one.dag_display_name, one.owners, one.is_paused, one.max_active_runs) == ("etl", ["ann"], False, 16)
    details = dags.get_dag_details("etl")
    assert (details.catchup, details.latest_dag_version.version_number, details.timezone) == (False, 1, "UTC")
    assert dags.patch_dag("etl", models.DAGPatchBody(is_paused=True)).is_paused is True
    assert dags.patch_dag("etl", models.DAGPatchBody(is_paused=False), update_mask=["is_paused"]).is_paused is False
    with pytest.raises(NotFoundException) as missing:
        dags.get_dag("none")
    assert "none" in str(missing.value.data.detail.actual_instance)
    with pytest.raises(ConflictException):
        dags.delete_dag("etl")


def test_a_dag_can_be_deleted(api: Api, airflow: client.ApiClient) -> None:
    api.save("gone")
    client.DAGApi(airflow).delete_dag("gone")
    api.get("/dags/gone", 404)


def test_dag_versions(airflow: client.ApiClient, run: str) -> None:
    versions = client.DagVersionApi(airflow)
    listed = versions.get_dag_versions("etl", order_by=["-version_number"])
    assert (listed.total_entries, listed.dag_versions[0].version_number) == (1, 1)
    assert versions.get_dag_version("etl", 1) == listed.dag_versions[0]


def test_tasks(airflow: client.ApiClient, run: str) -> None:
    tasks = client.TaskApi(airflow)
    assert [task.task_id for task in tasks.get_tasks("etl", order_by="-task_id").tasks] == ["b", "a"]
    one = tasks.get_task("etl", "a")
    assert (one.downstream_task_ids, one.operator_name, one.retries) == (["b"], "shell", 0)


def test_runs_are_triggered_with_every_kind_of_body(airflow: client.ApiClient, run: str) -> None:
    runs = client.DagRunApi(airflow)
    empty = runs.trigger_dag_run("etl", models.TriggerDAGRunPostBody())
    assert (empty.state.value, empty.logical_date, empty.conf) == ("queued", None, {})
    moment = datetime(2026, 2, 3, 4, 5, 6, 7, tzinfo=UTC)
    full = runs.trigger_dag_run(
        "etl",
        models.TriggerDAGRunPostBody(
            dag_run_id="by~the:client+1",
            logical_date=moment,
            data_interval_start=moment,
            data_interval_end=moment,
            run_after=moment,
            conf={"deep": {"list": [1, None]}},
            note="n",
        ),
    )
    assert (full.dag_run_id, full.logical_date, full.run_after) == ("by~the:client+1", moment, moment)
    assert (full.conf, full.note, full.triggered_by.value) == ({"deep": {"list": [1, None]}}, "n", "rest_api")
    assert runs.get_dag_run("etl", "by~the:client+1") == full
    with pytest.raises(ConflictException) as conflict:
        runs.trigger_dag_run("etl", models.TriggerDAGRunPostBody(dag_run_id="by~the:client+1"))
    assert "by~the:client+1" in conflict.value.body
    with pytest.raises(BadRequestException):
        runs.trigger_dag_run("etl", models.TriggerDAGRunPostBody(dag_run_id="a/b"))
    with pytest.raises(NotFoundException):
        runs.trigger_dag_run("none", models.TriggerDAGRunPostBody())
    with pytest.raises(UnprocessableEntityException) as invalid:
        runs.trigger_dag_run("etl", models.TriggerDAGRunPostBody(data_interval_start=moment))
    assert invalid.value.data.detail[0].loc[0].actual_instance == "body"


def test_runs_are_listed(airflow: client.ApiClient, run: str) -> None:
    runs = client.DagRunApi(airflow)
    one = runs.get_dag_run("etl", run)
    assert (one.state.value, one.run_type.value, one.dag_versions[0].version_number) == ("running", "manual", 1)
    listed = runs.get_dag_runs(
        "~",
        limit=10,
        offset=0,
        order_by=["-run_after", "id"],
        state=["running", "queued"],
        run_type=["manual"],
        run_after_gte=datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC),
        logical_date_lte=datetime(2026, 1, 1),  # noqa: DTZ001  the client sends it without a zone
        conf_contains='"n"',
        run_id_pattern="manual%",
        dag_version=[1],
    )
    assert ([each.dag_run_id for each in listed.dag_runs], listed.total_entries) == ([run], 1)
    page = runs.get_dag_runs("etl", limit=1, cursor="")
    assert (page.dag_runs[0].dag_run_id, page.next_cursor, page.total_entries_limit) == (run, None, 50_000)


def test_a_run_is_patched_and_waited_for(airflow: client.ApiClient, run: str) -> None:
    runs = client.DagRunApi(airflow)
    noted = runs.patch_dag_run("etl", run, models.DAGRunPatchBody(note="seen"), update_mask=["note"])
    assert (noted.note, noted.state.value) == ("seen", "running")
    cancel = Timer(
        0.2,
        lambda: runs.patch_dag_run("etl", run, models.DAGRunPatchBody(state=models.DagRunMutableStates.FAILED)),
    )
    cancel.start()
    waited = runs.wait_dag_run_until_finished("etl", run, interval=1, result=["a"], _request_timeout=30)
    cancel.join()
    assert waited["state"] == "failed"
    assert waited["results"] == {"a": {"rows": 2}}
    assert waited["state_reason"] == "cancelled"


def test_task_instances(airflow: client.ApiClient, run: str) -> None:
    instances = client.TaskInstanceApi(airflow)
    listed = instances.get_task_instances("etl", run, state=["success", "queued"], order_by=["id"], map_index=[-1])
    assert [(one.task_id, one.state.value) for one in listed.task_instances] == [("a", "success"), ("b", "queued")]
    one = instances.get_task_instance("etl", run, "a")
    assert one.model_copy(update={"rendered_fields": {}}) == listed.task_instances[0]
    assert (one.try_number, one.hostname, one.pool, one.executor_config) == (1, "here", "default_pool", "{}")
    assert one.dag_version.version_number == 1
    assert instances.get_task_instances("~", "~", cursor="", limit=1).total_entries == 2
    with pytest.raises(NotFoundException):
        instances.get_task_instance("etl", run, "none")


def test_logs(api: Api, airflow: client.ApiClient, run: str) -> None:
    instances = client.TaskInstanceApi(airflow)
    log = instances.get_log("etl", run, "a", 1, full_content=True)
    assert (log.content.actual_instance, log.continuation_token) == ([], None)
    running = instances.get_log("etl", run, "b", 1, map_index=-1)
    again = instances.get_log("etl", run, "b", 1, token=running.continuation_token, accept="application/json")
    assert again.continuation_token is not None
    streamed = instances.get_log("etl", run, "a", 1, accept="application/x-ndjson")
    assert streamed.content.actual_instance == []
    with pytest.raises(NotFoundException):
        instances.get_log("etl", run, "a", 7)
    with pytest.raises(BadRequestException):
        instances.get_log("etl", run, "a", 1, token="forged")


def test_xcoms(airflow: client.ApiClient, run: str) -> None:
    xcoms = client.XComApi(airflow)
    listed = xcoms.get_xcom_entries("etl", run, "a", xcom_key_pattern="return")
    assert ([entry.key for entry in listed.xcom_entries], listed.total_entries) == (["return_value"], 1)
    native = xcoms.get_xcom_entry("etl", "a", run, "return_value", deserialize=True)
    assert native.actual_instance.value == {"rows": 2}
    text = xcoms.get_xcom_entry("etl", "a", run, "return_value", stringify=True)
    assert text.actual_instance.value == '{"rows":2}'
    with pytest.raises(NotFoundException):
        xcoms.get_xcom_entry("etl", "a", run, "none")


def test_what_airflow_clients_demand_is_always_there(api: Api, run: str) -> None:
    """Its models refuse an answer in which one of these is missing or null."""
    path = f"/dags/etl/dagRuns/{run}"
    for answer, names in (
        (api.get("/dags/etl"), DAG),
        (api.get("/dags/etl/details"), f"{DAG} catchup concurrency render_template_as_native_obj"),
        (api.get("/dags/etl/dagVersions/1"), "created_at dag_display_name dag_id id version_number"),
        (api.get("/dags/etl/tasks/a"), "depends_on_past extra_links retry_exponential_backoff wait_for_downstream"),
        (api.get(path), "dag_display_name dag_id dag_run_id dag_versions run_after run_type state"),
        (api.get(f"{path}/taskInstances/b"), TASK_INSTANCE),
        (api.get(f"{path}/taskInstances/a/xcomEntries/return_value"), XCOM),
        (api.get("/monitor/health"), "metadatabase scheduler triggerer"),
    ):
        missing = [name for name in names.split() if answer.get(name) is None]
        assert not missing, missing


DAG = (
    "dag_display_name dag_id file_token fileloc has_import_errors has_task_concurrency_limits is_backfillable "
    "is_paused is_stale max_active_tasks max_consecutive_failed_dag_runs owners tags timetable_partitioned "
    "timetable_periodic"
)
TASK_INSTANCE = (
    "dag_display_name dag_id dag_run_id executor_config id map_index max_tries pool pool_slots run_after "
    "task_display_name task_id try_number"
)
XCOM = "dag_display_name dag_id key map_index run_after run_id task_display_name task_id timestamp"


def test_pools(airflow: client.ApiClient) -> None:
    pools = client.PoolApi(airflow)
    made = pools.post_pool(models.PoolBody(name="db", slots=4, description="connections"))
    assert (made.name, made.open_slots, made.include_deferred) == ("db", 4, False)
    with pytest.raises(ConflictException):
        pools.post_pool(models.PoolBody(name="db", slots=4))
    assert pools.patch_pool("db", models.PoolPatchBody(slots=-1), update_mask=["slots"]).open_slots == -1
    assert [pool.name for pool in pools.get_pools(order_by=["-name"]).pools] == ["default_pool", "db"]
    action = {"action": "create", "action_on_existence": "overwrite", "entities": [{"name": "db", "slots": 7}]}
    overwritten = pools.bulk_pools(models.BulkBodyPoolBody.from_dict({"actions": [action]}))
    assert overwritten.create.success == ["db"]
    assert pools.get_pool("db").slots == 7
    with pytest.raises(BadRequestException):
        pools.delete_pool("default_pool")
    pools.delete_pool("db")
    with pytest.raises(NotFoundException):
        pools.get_pool("db")


def test_variables(airflow: client.ApiClient) -> None:
    variables = client.VariableApi(airflow)
    made = variables.post_variable(models.VariableBody(key="region", value="eu", description="where"))
    assert (made.key, made.value, made.is_encrypted) == ("region", "eu", False)
    with pytest.raises(ConflictException):
        variables.post_variable(models.VariableBody(key="region", value="eu"))
    changed = variables.patch_variable("region", models.VariableBody(key="region", value={"name": "us"}))
    assert changed.value == '{"name":"us"}'
    listed = variables.get_variables(variable_key_pattern="reg")
    assert (listed.total_entries, listed.variables[0].key) == (1, "region")
    variables.delete_variable("region")
    with pytest.raises(NotFoundException):
        variables.get_variable("region")


def test_backfills(api: Api, airflow: client.ApiClient) -> None:
    api.save("filled", {"a": {"type": "noop"}}, schedule="@daily")
    backfills = client.BackfillApi(airflow)
    body = models.BackfillPostBody(
        dag_id="filled",
        from_date=datetime(2026, 1, 1, tzinfo=UTC),
        to_date=datetime(2026, 1, 3, tzinfo=UTC),
        dag_run_conf={"n": 1},
        max_active_runs=2,
    )
    dry = backfills.create_backfill_dry_run(body)
    assert [row.logical_date.day for row in dry.backfills] == [1, 2, 3]
    created = backfills.create_backfill(body)
    assert (created.dag_run_conf, created.reprocess_behavior.value, created.completed_at) == ({"n": 1}, "none", None)
    with pytest.raises(ConflictException):
        backfills.create_backfill(body)
    assert backfills.pause_backfill(created.id).is_paused is True
    assert backfills.unpause_backfill(created.id).is_paused is False
    api.engine.run_until_idle()
    assert backfills.get_backfill(created.id).completed_at is not None
    assert backfills.list_backfills("filled").total_entries == 1
    with pytest.raises(ConflictException):
        backfills.cancel_backfill(created.id)
    with pytest.raises(UnprocessableEntityException):
        backfills.create_backfill(body.model_copy(update={"to_date": datetime(2025, 1, 1, tzinfo=UTC)}))
    with pytest.raises(NotFoundException):
        backfills.get_backfill(10_000)
    api.delete("/dags/filled")


def test_tags_counts_sources_and_services(airflow: client.ApiClient, run: str) -> None:
    assert client.DAGApi(airflow).get_dag_tags(tag_name_pattern="t").tags == ["t"]
    (counted,) = client.DagStatsApi(airflow).get_dag_stats(dag_ids=["etl"]).dags
    assert {one.state.value: one.count for one in counted.stats}["running"] == 1
    assert client.DagSourceApi(airflow).get_dag_source("etl", version_number=1).version_number == 1
    assert client.JobApi(airflow).get_jobs(is_alive=True).total_entries == 0
    paused = client.DAGApi(airflow).patch_dags(models.DAGPatchBody(is_paused=True), dag_id_pattern="etl")
    assert [dag.is_paused for dag in paused.dags] == [True]
    assert client.DAGApi(airflow).patch_dags(models.DAGPatchBody(is_paused=False)).dags == []
    client.DAGApi(airflow).patch_dags(models.DAGPatchBody(is_paused=False), dag_id_pattern="~")
    assert client.ImportErrorApi(airflow).get_import_errors().import_errors == []
    assert client.PluginApi(airflow).get_plugins().plugins == []
    assert client.ProviderApi(airflow).get_providers().providers == []
    assert client.DagWarningApi(airflow).list_dag_warnings().dag_warnings == []


def test_runs_are_listed_changed_cleared_and_deleted_in_bulk(airflow: client.ApiClient, run: str) -> None:
    runs = client.DagRunApi(airflow)
    listed = runs.get_list_dag_runs_batch("~", models.DAGRunsBatchBody(dag_ids=["etl"], states=["running"]))
    assert [one.dag_run_id for one in listed.dag_runs] == [run]
    update = {"action": "update", "entities": [{"dag_run_id": run, "state": "failed"}]}
    done = runs.bulk_dag_runs("etl", models.BulkBodyBulkDAGRunBody.from_dict({"actions": [update]}))
    assert done.update.success == [f"etl.{run}"]
    named = models.BulkDAGRunClearBody(dag_runs=[models.BulkDAGRunBody(dag_run_id=run)], dry_run=False)
    (cleared,) = runs.clear_dag_runs("etl", named).actual_instance.dag_runs
    assert (cleared.dag_run_id, cleared.state.value) == (run, "queued")
    extra = runs.trigger_dag_run("etl", models.TriggerDAGRunPostBody(dag_run_id="extra"))
    runs.delete_dag_run("etl", extra.dag_run_id)
    with pytest.raises(NotFoundException):
        runs.get_dag_run("etl", "extra")


def test_instances_are_listed_explained_and_changed_in_bulk(airflow: client.ApiClient, run: str) -> None:
    instances = client.TaskInstanceApi(airflow)
    listed = instances.get_task_instances_batch("~", "~", models.TaskInstancesBatchBody(dag_run_ids=[run]))
    assert [(one.task_id, one.state.value) for one in listed.task_instances] == [("a", "success"), ("b", "queued")]
    assert instances.get_task_instance_dependencies("etl", run, "b").dependencies == []
    assert instances.get_extra_links("etl", run, "a").extra_links == {}
    entity = {"task_id": "b", "new_state": "failed"}
    body = models.BulkBodyBulkTaskInstanceBody.from_dict({"actions": [{"action": "update", "entities": [entity]}]})
    assert instances.bulk_task_instances("etl", run, body).update.success == [f"etl.{run}.b[-1]"]
    with pytest.raises(ConflictException):
        instances.delete_task_instance("etl", run, "a")


def test_outputs_are_written(airflow: client.ApiClient, run: str) -> None:
    xcoms = client.XComApi(airflow)
    made = xcoms.create_xcom_entry("etl", "a", run, models.XComCreateBody(key="k", value={"n": 1}))
    assert (made.key, made.value) == ("k", {"n": 1})
    changed = xcoms.update_xcom_entry("etl", "a", run, "k", models.XComUpdateBody(value=[2]))
    assert changed.value == [2]
    xcoms.delete_xcom_entry("etl", "a", run, "k")
    with pytest.raises(NotFoundException):
        xcoms.get_xcom_entry("etl", "a", run, "k")


def test_connections(airflow: client.ApiClient) -> None:
    connections = client.ConnectionApi(airflow)
    body = models.ConnectionBody(connection_id="db", conn_type="postgres", host="h", port=5432, password="secret")
    made = connections.post_connection(body)
    assert (made.host, made.port, made.password) == ("h", 5432, "***")
    changed = connections.patch_connection("db", body.model_copy(update={"host": "other"}), update_mask=["host"])
    assert changed.host == "other"
    assert [one.connection_id for one in connections.get_connections(connection_id_pattern="d").connections] == ["db"]
    action = {"action": "delete", "entities": ["db"]}
    done = connections.bulk_connections(models.BulkBodyConnectionBody.from_dict({"actions": [action]}))
    assert done.delete.success == ["db"]
    with pytest.raises(NotFoundException):
        connections.get_connection("db")


def test_event_logs(airflow: client.ApiClient, run: str) -> None:
    logs = client.EventLogApi(airflow)
    listed = logs.get_event_logs(dag_id="etl", event="trigger_dag_run", order_by=["-event_log_id"], limit=1)
    (latest,) = listed.event_logs
    assert (latest.run_id, latest.owner) == (run, "admin")
    assert logs.get_event_log(latest.event_log_id) == latest


def test_approvals_with_values(api: Api, airflow: client.ApiClient) -> None:
    schema = {"type": "object", "properties": {"hosts": {"type": "integer", "minimum": 1}}, "required": ["hosts"]}
    ask = {"type": "approval", "message": "Where?", "choices": ["eu", "us"], "multiple": True, "params": schema}
    api.save("asks", {"ask": {**ask, "assigned": {"users": ["ann"], "roles": ["admin"]}}})
    run_id = api.trigger("asks")
    api.engine.run_until_idle()
    instances = client.TaskInstanceApi(airflow)
    [listed] = instances.get_hitl_details("asks", run_id, response_received=False).hitl_details
    detail = instances.get_hitl_detail("asks", run_id, "ask", -1)
    assert listed == detail
    assert (detail.subject, detail.options, detail.multiple) == ("Where?", ["eu", "us"], True)
    assert detail.response_received is False
    assert detail.params["hosts"]["schema"] == {"type": "integer", "minimum": 1}
    assert [user.name for user in detail.assigned_users] == ["ann"]
    body = models.UpdateHITLDetailPayload(chosen_options=["eu"], params_input={"hosts": 0})
    with pytest.raises(BadRequestException):
        instances.update_hitl_detail("asks", run_id, "ask", -1, body)
    body = models.UpdateHITLDetailPayload(chosen_options=["us", "eu"], params_input={"hosts": 3})
    answered = instances.update_hitl_detail("asks", run_id, "ask", -1, body)
    assert (answered.chosen_options, answered.params_input) == (["us", "eu"], {"hosts": 3})
    assert answered.responded_by.name == "admin"
    with pytest.raises(ConflictException):
        instances.update_hitl_detail("asks", run_id, "ask", -1, body)
    api.engine.run_until_idle()
    assert instances.get_hitl_detail("asks", run_id, "ask", -1).params_input == {"hosts": 3}
