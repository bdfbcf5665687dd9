"""A server of OpenID Connect: oidc-provider-mock's, in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.services.environment import child_environment

__all__ = ["real_provider"]

_PROGRAM = """
import json, sys
from oidc_provider_mock import User, run_server_in_thread
users = [User(sub=sub, claims=claims) for sub, claims in json.loads(sys.argv[1]).items()]
with run_server_in_thread(user_claims=users, require_nonce=True) as server:
    print(server.server_port, flush=True)
    sys.stdin.read()
"""


@contextmanager
def real_provider(**users: Mapping[str, Any]) -> Iterator[str]:
    """The issuer of a server that knows these people: subject -> claims. The server ends with its standard input."""
    with subprocess.Popen(
        # The package uses what Authlib has deprecated.
        [sys.executable, "-W", "ignore", "-c", _PROGRAM, json.dumps(users)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(AUTHLIB_INSECURE_TRANSPORT="1"),
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://localhost:{next(line.strip() for line in process.stdout if line.strip().isdigit())}"
        finally:
            process.stdin.close()
            process.wait(timeout=10)
