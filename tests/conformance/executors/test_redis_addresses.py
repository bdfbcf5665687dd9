"""Addresses of Redis: TLS with a checked certificate, users with ACLs, Sentinels, and what is refused."""

import shutil
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, ConnectionError, NoPermissionError

from mainspring.errors import ExecutorError
from mainspring_executors.rq.redis_queue import connect, enqueue, take, waiting
from tests.services.ports import free_port
from tests.services.process import spawn, stop, wait_until_ready
from tests.services.tls import self_signed
from tests.services.valkey import ValkeyServer

ATTEMPT = "0190" + "ab" * 14
WORKER_RULES = (
    "resetkeys ~rq:queue:mainspring-gpu ~rq:queue:mainspring-gpu:intermediate ~rq:job:* resetchannels -@all +ping"
    " +client|setinfo +client|setname +blmove +lmove +lrem +lpush +rpush +del +exists +hset +hget +expire +type +multi"
    " +exec"
)


def test_tls_is_spoken_to_a_server_whose_certificate_is_trusted(tmp_path: Path) -> None:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs Debian's redis-server, as Valkey of the tests has no TLS: apt-get install redis-server")
    certificate, key = self_signed(tmp_path)
    (tmp_path / "other").mkdir()
    other, _ = self_signed(tmp_path / "other")
    port, log = free_port(), tmp_path / "redis.log"
    options = {"port": 0, "tls-port": port, "bind": "127.0.0.1", "dir": tmp_path, "save": "", "requirepass": "pw"}
    options |= {"tls-cert-file": certificate, "tls-key-file": key, "tls-ca-cert-file": certificate}
    options |= {"tls-auth-clients": "no"}
    process = spawn(
        [program, *(text for name, value in options.items() for text in (f"--{name}", str(value)))], log=log
    )
    url = f"rediss://:pw@localhost:{port}/0?ssl_ca_certs="

    def answers() -> bool:
        try:
            return bool(connect(f"{url}{certificate}").ping())
        except ConnectionError:
            return False

    try:
        wait_until_ready(process, answers, log=log)
        client = connect(f"{url}{certificate}")
        enqueue(client, "gpu", [ATTEMPT])
        assert waiting(client, ["gpu"]) == {ATTEMPT}
        for untrusted in (f"{url}{other}", f"rediss://:pw@localhost:{port}/0", f"redis://:pw@localhost:{port}/0"):
            with pytest.raises(ConnectionError):
                connect(untrusted).ping()
    finally:
        stop(process)


def test_a_user_with_an_acl_takes_its_queue_and_no_other(tmp_path: Path) -> None:
    port = free_port()
    rules = ("requirepass admin", f"user mainspring-worker on >p/w {WORKER_RULES}")
    server = ValkeyServer.start_on(tmp_path, port, *rules)
    try:
        enqueue(Redis(port=port, password="admin"), "gpu", [ATTEMPT])
        worker = connect(f"redis://mainspring-worker:p%2Fw@127.0.0.1:{port}/0")
        with pytest.raises(NoPermissionError):
            enqueue(worker, "other", [ATTEMPT])
        assert take(worker, "gpu") == ATTEMPT
        with pytest.raises(AuthenticationError):
            connect(f"redis://mainspring-worker:wrong@127.0.0.1:{port}/0").ping()
    finally:
        server.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis+sentinel://:pw@127.0.0.1:26379", "no service"),
        ("redis+sentinel:///queue", "no host"),
        ("redis+sentinel://127.0.0.1:port/queue", "cannot be read"),
        ("redis+sentinel://:pw@127.0.0.1/queue/first", "cannot be read"),
        ("redis+sentinel://127.0.0.1,redis.example/queue", "has no password"),
        ("redis+sentinel://127.0.0.1/queue", "has no password"),
        ("redis+sentinel://worker@localhost:26379,[::1]/queue", "has no password"),
        ("redis+sentinel://:p/w@10.0.0.1/queue", "redis_url"),
    ],
)
def test_an_address_of_sentinels_that_cannot_be_is_refused(url: str, words: str) -> None:
    with pytest.raises(ExecutorError, match=words) as caught:
        connect(url)
    assert "p/w" not in str(caught.value).replace("pass%2Fword", "")


def test_sentinels_that_are_away_are_an_outage() -> None:
    client = connect(f"rediss+sentinel://worker:p%2Fw@127.0.0.1:{free_port()},localhost/queue/3?sentinel_password=s")
    with pytest.raises(ConnectionError):
        client.ping()
    given = client.connection_pool.connection_kwargs
    assert (given["username"], given["password"], given["db"]) == ("worker", "p/w", 3)
