"""The specification of a claimed attempt for its worker."""

from datetime import UTC, datetime
from typing import Any

from mainspring.attempts import Attempt
from mainspring.definition.model import Task
from mainspring.definition.secret_names import secrets_to_open
from mainspring.errors import ExpressionError
from mainspring.large_values import opened
from mainspring.run_names import attempt_context, run_names
from mainspring.traces import trace_of_run
from mainspring.waits import attempt_timeout
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.database.transactions import Database
from mainspring_store.resources.secrets import OpenedSecrets, open_secrets
from mainspring_store.resources.versions import Versions
from mainspring_store.scheduling.worker_protocol import Claimed

__all__ = ["WorkOrders"]


class WorkOrders:
    """Makes work orders from what is stored: the evaluated payload, the definition, the values of secrets."""

    def __init__(self, database: Database, key_ring: KeyRing, *, exports_traces: bool = False) -> None:
        self._database = database
        self._key_ring = key_ring
        self._exports_traces = exports_traces
        self._versions = Versions(database)

    def __call__(self, claimed: Claimed) -> Attempt:
        task = tuple(self._versions.definition(claimed.version_id).tasks.values())[claimed.task_index]
        names = run_names(
            dag_id=claimed.dag_id,
            run_id=claimed.run_id,
            run_type=claimed.run_type,
            conf=claimed.conf,
            params=claimed.params,
            logical_date=claimed.logical_date,
            data_interval_start=claimed.data_interval_start,
            data_interval_end=claimed.data_interval_end,
            run_after=claimed.run_after,
            trace=trace_of_run(claimed.traceparent, is_exported=self._exports_traces),
        )
        payload, values = opened(claimed.payload)
        return Attempt(
            attempt_id=claimed.attempt_id,
            dag_id=claimed.dag_id,
            run_id=claimed.run_id,
            task_id=task.task_id,
            map_index=claimed.map_index,
            try_number=claimed.try_number,
            queue=task.queue,
            task_type=task.runner,
            payload=payload,
            values=values,
            # A secret that was deleted after the dispatch is missing; the task then fails at its start with this
            # reason.
            secrets=self._secrets(task, claimed, payload).values,
            context=attempt_context(names, claimed.attempt_id),
            text_outputs=task.text_outputs,
            output_types=task.output_types,
            timeout=attempt_timeout(task.execution_timeout, task.payload.source, claimed.waits_for, datetime.now(UTC)),
            cancel_grace=task.cancel_grace,
        )

    def _secrets(self, task: Task, claimed: Claimed, payload: Any) -> OpenedSecrets:
        """The secrets in the definition, never the secrets in the stored payload."""
        try:
            names = secrets_to_open(task.written_payload, payload)
        except ExpressionError:
            # A scheduler of an earlier version dispatched it. Without secrets the task fails where it runs.
            return OpenedSecrets()
        return open_secrets(self._database, self._key_ring, names) if names else OpenedSecrets()
