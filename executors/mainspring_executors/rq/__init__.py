"""The `rq` executor: Redis and RQ carry attempt ids to workers on any machine; everything else goes over HTTP.

`executor` is the scheduler's side. `worker` is RQ's worker with our runner in it: it claims the attempt at the
execution API (`execution_client`), runs it in a task host of its own and reports back (`worker_loop`).
"""
