"""A server that speaks like S3: moto's, in a process of its own."""

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests.services.environment import child_environment

__all__ = ["s3_server"]

_PROGRAM = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def s3_server(bucket: str) -> Iterator[dict[str, str]]:
    """The environment variables with which a client reaches the server, which has an empty bucket.

    The server ends with its standard input, so it never outlives the tests.
    """
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            port = next(line.strip() for line in process.stdout if line.strip().isdigit())
            url = f"http://127.0.0.1:{port}"
            request = urllib.request.Request(f"{url}/{bucket}", method="PUT")
            urllib.request.urlopen(request, timeout=10).close()
            yield {
                "AWS_ENDPOINT_URL": url,
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
                "AWS_REGION": "us-east-1",
            }
        finally:
            process.stdin.close()
            process.wait(timeout=10)
