"""Examples that the document shows, by the name of the schema.

What is sent is here, what is answered in `openapi_answers.json`; a page of a list is made of the example of its rows.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["add_examples"]

_ANSWERS = Path(__file__).with_name("openapi_answers.json")
_COMPONENT = "#/components/schemas/"


def add_examples(schemas: dict[str, Any]) -> None:
    """Add the examples to the components of a document."""
    for name, example in json.loads(_ANSWERS.read_text(encoding="utf-8")).items():
        schemas[name]["examples"] = [example]
    for name, examples in _EXAMPLES.items():
        schemas[name]["examples"] = list(examples)
    for name, schema in schemas.items():
        if name.endswith("Collection") and "examples" not in schema:
            schema["examples"] = [{key: _of_page(member, schemas) for key, member in schema["properties"].items()}]


def _of_page(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """A member of a page with one row."""
    if schema.get("type") == "array":
        return schemas[schema["items"]["$ref"].removeprefix(_COMPONENT)]["examples"][:1]
    return None if "null" in schema["type"] else 1


_POOL_FULL: Mapping[str, Any] = {
    "state": "scheduled",
    "earliest_start": None,
    "blockers": [
        {
            "code": "pool_full",
            "text": "pool 'warehouse' is full: 2 of 2 slots are taken",
            "since": None,
            "ids": ["warehouse"],
            "holders": [{"dag_id": "etl", "dag_run_id": "deploy-4711", "task_id": "load", "map_index": -1}],
            "holders_total": 2,
            "holders_hidden": 1,
            "position": 3,
        }
    ],
    "satisfied": [{"code": "upstream_not_done", "text": "all upstream tasks have ended"}],
}

_EXAMPLES: Mapping[str, Sequence[Any]] = {
    "WaitExplanation": [_POOL_FULL],
    "RunExplanation": [
        {
            "state": "running",
            "earliest_start": None,
            "blockers": [],
            "satisfied": [{"code": "max_active_runs", "text": "1 of 16 runs of the DAG are running"}],
            "instances": [{"task_id": "report", "map_index": -1, **_POOL_FULL}],
            "waiting_total": 1,
        }
    ],
    "Definition": [
        {
            "dag_id": "etl",
            "params": {"type": "object", "properties": {"rows": {"type": "integer", "default": 3}}},
            "schedule": {"cron": "30 2 * * *", "timezone": "Europe/Berlin"},
            "default_args": {"retries": 2, "retry_delay": "PT20S"},
            "tasks": {
                "extract": {
                    "type": "shell",
                    "env": {"ROWS": "${{ params.rows }}", "DB_URL": {"secret": "warehouse-url"}},
                    "script": 'echo "rows=$ROWS" >> "$MAINSPRING_OUTPUT"',
                },
                "load": {"type": "shell", "depends_on": ["extract"], "command": ["echo", "loaded"]},
            },
            "outputs": {"rows": "${{ tasks.extract.outputs.rows }}"},
        }
    ],
    "TriggerBody": [{"dag_run_id": "deploy-4711", "conf": {"rows": 5}}, {}],
    "TriggersBody": [
        {
            "dag_runs": [
                {"dag_id": "etl", "conf": {"rows": 5}, "idempotency_key": "deploy-4711-eu"},
                {"dag_id": "etl", "conf": {"rows": 7}, "idempotency_key": "deploy-4711-us"},
            ]
        }
    ],
    "RunStatesBody": [{"dag_runs": [{"dag_id": "etl", "dag_run_id": "deploy-4711"}]}],
    "RunStates": [
        {
            "dag_runs": [
                {
                    "dag_id": "etl",
                    "dag_run_id": "deploy-4711",
                    "state": "success",
                    "state_reason": None,
                    "is_finished": True,
                    "exit_code": 0,
                    "start_date": "2026-11-28T03:25:41.206Z",
                    "end_date": "2026-11-28T03:25:41.217Z",
                }
            ]
        }
    ],
    "TriggeredRuns": [
        {
            "dag_runs": [
                {
                    "status": 404,
                    "is_replayed": False,
                    "dag_run": None,
                    "problem": {
                        "detail": "there is no DAG 'etl'",
                        "type": "/problems/not_found",
                        "title": "Not Found",
                        "status": 404,
                        "code": "not_found",
                        "request_id": "8d1f0c4a91b7e2aa",
                    },
                }
            ]
        }
    ],
    "AnsweredKey": [
        {
            "answered_at": "2026-11-28T03:25:41.201Z",
            "expires_at": "2026-11-29T03:25:41.201Z",
            "status": 200,
            "body": {"dag_run_id": "deploy-4711", "dag_id": "etl", "state": "queued"},
        }
    ],
    "PlanBody": [{"definitions": [{"text": "dag_id: etl\ntasks: {load: {type: noop}}\n"}], "removed": ["old_etl"]}],
    "DagsBody": [{"definitions": [{"text": "dag_id: etl\ntasks: {load: {type: noop}}\n"}], "message": "load too"}],
    "PruneBody": [{"bundle_name": "team", "kept": ["etl", "report"]}],
    "RunVersionBody": [{"version_number": 2, "restart_running": True}],
    "DagDocument": [{"openapi": "3.1.0"}],
    "RestoreBody": [{"message": "the new load is too slow"}],
    "InlineRunBody": [{"text": "dag_id: etl\ntasks: {load: {type: noop}}\n", "conf": {"rows": 5}}],
    "DagPatch": [{"is_paused": True}],
    "RunPatch": [{"state": "failed"}, {"note": "looked into it"}],
    "InstancePatch": [{"new_state": "success", "note": "loaded by hand"}],
    "ClearBody": [{"dag_run_id": "deploy-4711", "dry_run": False}],
    "ClearRunBody": [{"dry_run": False}],
    "BackfillBody": [{"dag_id": "etl", "from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-31T00:00:00Z"}],
    "SignalBody": [{"value": {"amount": 120}}],
    "ApprovalAnswerBody": [{"choice": "approve", "note": "the figures are right"}],
    "HitlAnswerBody": [{"chosen_options": ["Approve"]}],
    "ClearRunsBody": [{"dag_runs": [{"dag_id": "etl", "dag_run_id": "deploy-4711"}], "dry_run": False}],
    "DagRunsBatchBody": [{"dag_ids": ["etl"], "states": ["failed"], "page_limit": 20, "order_by": "-start_date"}],
    "TaskInstancesBatchBody": [{"dag_ids": ["etl"], "state": ["failed"], "page_limit": 20}],
    "XComCreateBody": [{"key": "rows", "value": 5}],
    "XComUpdateBody": [{"value": 6}],
    "PoolBody": [{"name": "warehouse", "slots": 4}],
    "PoolPatchBody": [{"slots": 8}],
    "VariableBody": [{"key": "region", "value": "eu"}],
    "VariablePatchBody": [{"value": "us"}],
    "ConnectionBody": [{"connection_id": "warehouse", "conn_type": "postgres", "host": "db", "port": 5432}],
    "ConnectionPatchBody": [{"login": "etl", "password": "its password"}],
    "HookBody": [
        {
            "name": "deploy-on-push",
            "dag_id": "etl",
            "kind": "github",
            "conf": "{'ref': body.ref}",
            "filter": "headers['x-github-event'] == 'push' && body.ref == 'refs/heads/main'",
        }
    ],
    "HookPatch": [{"is_enabled": False}],
    "HookRotation": [{"grace_seconds": 3600}],
    "SecretBody": [{"value": "postgresql://etl@db/warehouse"}],
    "BulkBody": [
        {"actions": [{"action": "create", "entities": [{"name": "warehouse", "slots": 4}]}]},
        {"actions": [{"action": "delete", "entities": ["warehouse"], "action_on_non_existence": "skip"}]},
    ],
    "WebhookBody": [
        {
            "name": "on-call",
            "url": "https://hooks.example.com/mainspring",
            "types": ["run.failed", "run.late"],
            "dag_id_pattern": "team_a.*",
        }
    ],
    "WebhookPatchBody": [{"types": ["run.failed"]}, {"state": "disabled"}],
    "NotifierBody": [
        {"name": "team-chat", "url": "ntfys://ntfy.example.com/data-alerts", "dag_id_pattern": "team_a.*"}
    ],
    "NotifierPatchBody": [{"state": "disabled"}],
    "RotateBody": [{"old_seconds": 3600}, {}],
    "UserBody": [
        {
            "username": "ada",
            "password": "at least twelve characters",
            "role": "viewer",
            "grants": [{"pattern": "etl*", "role": "operator"}],
        }
    ],
    "UserPatch": [{"role": "operator"}, {"is_active": False}],
    "PasswordChange": [{"current_password": "the one until now", "new_password": "at least twelve characters"}],
    "SessionBody": [{"username": "ada", "password": "at least twelve characters"}, {"token": "ms_..."}],
    "LoginBody": [{"username": "ada", "password": "at least twelve characters"}],
    "ExchangeBody": [
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": "eyJhbGciOiJSUzI1NiIs...",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        }
    ],
    "ApiTokenBody": [{"name": "pipeline", "role": "operator", "expires_at": "2027-02-26T00:00:00Z"}],
    "WaitResult": [
        {
            "state": "success",
            "state_reason": None,
            "message": None,
            "is_finished": True,
            "exit_code": 0,
            "failed_tasks": [],
            "failed_tasks_total": 0,
            "outputs": {"rows": 5},
            "results": {},
        },
        {
            "state": "failed",
            "state_reason": "task_failed",
            "message": "1 task failed: load",
            "is_finished": True,
            "exit_code": 1,
            "failed_tasks": [
                {
                    "task_id": "load",
                    "map_index": -1,
                    "try_number": 1,
                    "state_reason": "exit_code",
                    "message": "the command ended with 7",
                    "exit_code": 7,
                    "last_lines": ["loading 5 rows", "no space left"],
                }
            ],
            "failed_tasks_total": 1,
            "outputs": None,
            "results": {},
        },
    ],
    "Problem": [
        {
            "detail": "there is no DAG 'etl'",
            "type": "/problems/not_found",
            "title": "Not Found",
            "status": 404,
            "code": "not_found",
            "request_id": "8d1f0c4a91b7e2aa",
        }
    ],
}
