"""Examples that the document shows, by the name of the schema."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["EXAMPLES"]

EXAMPLES: Mapping[str, Sequence[Any]] = {
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
    "DagPatch": [{"is_paused": True}],
    "RunPatch": [{"state": "failed"}, {"note": "looked into it"}],
    "InstancePatch": [{"new_state": "success", "note": "loaded by hand"}],
    "ClearBody": [{"dag_run_id": "deploy-4711", "dry_run": False}],
    "ClearRunBody": [{"dry_run": False}],
    "BackfillBody": [{"dag_id": "etl", "from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-31T00:00:00Z"}],
    "ApprovalAnswerBody": [{"choice": "approve", "note": "the figures are right"}],
    "PoolBody": [{"name": "warehouse", "slots": 4}],
    "VariableBody": [{"key": "region", "value": "eu"}],
    "SecretBody": [{"value": "postgresql://etl@db/warehouse"}],
    "WaitResult": [
        {"state": "success", "state_reason": None, "message": None, "outputs": {"rows": 5}, "results": {}},
        {"state": "failed", "state_reason": "cancelled", "message": "cancelled by ci", "outputs": None, "results": {}},
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
