"""The module path in RQ jobs; re-exports `redis_queue.never_called`.

Workers and schedulers of two releases run side by side, and both compare the path. A later release may name
`redis_queue` in its jobs and then remove this module.
"""

from mainspring_executors.rq.redis_queue import never_called

__all__ = ["never_called"]
