"""What the API is compared with: a route of Flask that reads one row by its key through SQLAlchemy, and nothing else.

It runs in the API's own server with the API's own settings: workers, threads, connections, and no more.
"""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["bare_server"]

_PROGRAM = """
import sys
from pathlib import Path
from flask import Flask, jsonify
from sqlalchemy import select
import mainspring_api.app
from mainspring_cli.config import Config
from mainspring_cli.services.commands import serve_api
from mainspring_store import open_database
from mainspring_store.tables import dag_run

def create_app(settings):
    app = Flask("bare")
    database = open_database(settings.database_url, connections_max=settings.connections_max)
    row = dag_run.c

    @app.get("/runs/<int:key>")
    def get_run(key):
        with database.engine.connect() as connection:
            found = connection.execute(select(row.id, row.run_id, row.state).where(row.id == key)).one()
        return jsonify(found._asdict())

    return app

mainspring_api.app.create_app = create_app
mainspring_api.app.end_waits = lambda app: None
home, url, descriptor = sys.argv[1:]
serve_api(Config(home=Path(home), database_url=url), listen_fd=int(descriptor))
"""


@contextmanager
def bare_server(home: Path, database_url: str) -> Iterator[str]:
    """The URL of the bare route's server, which has `/runs/<key>`; stopped at the end."""
    home.mkdir(exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port, descriptor = listener.getsockname()[1], listener.fileno()
        command = [sys.executable, "-c", _PROGRAM, str(home), database_url, str(descriptor)]
        process = subprocess.Popen(command, pass_fds=[descriptor])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(40)
