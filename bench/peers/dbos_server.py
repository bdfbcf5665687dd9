"""A chain of steps of DBOS behind HTTP. The program runs in the environment of `bench.peers`, without Mainspring.

python dbos_server.py DATABASE_URL

Prints its port once it serves. `POST /chain?steps=20` runs a workflow of steps that do nothing, and answers after its
end with the instants at which each step started and ended, in seconds of the wall clock: `[[start, end], ...]`.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from dbos import DBOS, DBOSConfig

CONFIG = DBOSConfig(name="chain", system_database_url=sys.argv[1], run_admin_server=False, log_level="ERROR")
DBOS(config=CONFIG)


@DBOS.step()
def step(_number: int) -> list[float]:
    """Does nothing with its number."""
    return [time.time(), time.time()]


@DBOS.workflow()
def chain(length: int) -> list[list[float]]:
    return [step(number) for number in range(length)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(parse_qs(urlsplit(self.path).query)["steps"][0])
        body = json.dumps(DBOS.start_workflow(chain, length).get_result()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


DBOS.launch()
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
