"""What our worker changes of RQ's, and relies on: fails when RQ's own side of it changes."""

import hashlib
import inspect

import pytest
from rq import SimpleWorker
from rq.job import Job
from rq.queue import Queue
from rq.worker.base import BaseWorker

READ = {
    "BaseWorker._install_signal_handlers": "f30e3c58661a235a",
    "BaseWorker._set_connection": "38ebd371028aad20",
    "BaseWorker._set_ip_address": "11dd3eef6c2e0e70",
    "BaseWorker.connection_timeout": "d430e6acca2e4eef",
    "BaseWorker.dequeue_job_and_maintain_ttl": "0c0b1bc6c8734ffa",
    "BaseWorker.dequeue_timeout": "62cbfcfcde523452",
    "BaseWorker.heartbeat": "d00c83971db2d72f",
    "BaseWorker.run_maintenance_tasks": "b2589c362668ba3e",
    "BaseWorker.set_state": "bb8d4f1d93ff078b",
    "BaseWorker.subscribe": "3437c20bb267958f",
    "BaseWorker.teardown": "bfc2572817e5fbf9",
    "BaseWorker.unsubscribe": "16e9db30b9c54c46",
    "BaseWorker.work": "04b5cdf8e554d8a2",
    "Job.fetch": "4c0184a10a6ca526",
    "Queue.dequeue_any": "dfecb63b2b5cd660",
    "Queue.enqueue_many": "0f3f8b0ad9604d56",
    "Queue.lmove": "7aa797ad300b8aec",
    "Queue.prepare_data": "2ed9ad0f5bc99e57",
    "SimpleWorker.execute_job": "d8a40d49f515b558",
}
"""Each method that we override or rely on: the start of the SHA-256 of its source as we read it, in RQ 2.12."""
OWNERS = {"BaseWorker": BaseWorker, "SimpleWorker": SimpleWorker, "Queue": Queue, "Job": Job}


@pytest.mark.parametrize("name", READ)
def test_rq_is_as_it_was_when_our_worker_was_written(name: str) -> None:
    """When this is red: read the method again, see what our override has to follow, then note the new hash."""
    owner, _, method = name.partition(".")
    found = inspect.getattr_static(OWNERS[owner], method)
    found = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
    source = inspect.getsource(found)
    assert hashlib.sha256(source.encode()).hexdigest().startswith(READ[name])
