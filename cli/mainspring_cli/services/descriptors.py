"""How many connections the limit of descriptors allows."""

import resource
from contextlib import suppress

__all__ = ["connections_max", "descriptors", "held_max", "raise_descriptor_limit"]

_DESCRIPTORS_MAX = 65536
"""More would cost memory in tables of the system, and no process of ours can serve as many clients."""
_RESERVED = 256
"""For files, the database and connections between two requests."""
_HELD_MAX = 4096


def raise_descriptor_limit() -> int:
    """Raise the soft limit of this process and its children to the hard limit; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _DESCRIPTORS_MAX if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS_MAX, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return descriptors()


def descriptors() -> int:
    """The soft limit of this process."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _DESCRIPTORS_MAX if soft == resource.RLIM_INFINITY else min(soft, _DESCRIPTORS_MAX)


def connections_max() -> int:
    """Connections of one process."""
    return max(_RESERVED, descriptors() - _RESERVED)


def held_max() -> int:
    """The default for streams, and for waits, of one process: a third of the connections is left for requests."""
    return min(_HELD_MAX, connections_max() // 3)
