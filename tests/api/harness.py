"""An API in this process whose every answer is held against the OpenAPI document, with the real store beneath it.

What the scheduler would do is done by the real scheduler over a scripted executor.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import orjson
from werkzeug.test import TestResponse

from mainspring_api import ApiSettings
from mainspring_api.app import close_app, create_app, document
from mainspring_api.http.credential_files import admin_token
from mainspring_store import Database, open_database
from mainspring_store.access.roles import Role
from mainspring_store.access.tokens import add_token
from tests.scheduler.engine import Engine

ROOT = "/api/v2"
SHELL: Mapping[str, Any] = {"type": "shell", "command": ["true"]}
_OUTSIDE = ("/openapi", "/docs", "/auth/", "/metrics", "/ready", "/problems", "/static")
ONE_OF_EACH = {
    "dag_id": "etl",
    "dag_run_id": "r1",
    "task_id": "a",
    "xcom_key": "k",
    "signal_name": "s",
    "try_number": "1",
    "version_number": "1",
    "older": "1",
    "newer": "1",
    "backfill_id": "1",
    "secret_name": "s",
    "map_index": "0",
    "task_try_number": "1",
    "pool_name": "p",
    "variable_key": "v",
    "connection_id": "c",
    "event_log_id": "1",
    "rest": "x",
    "build": "0",
    "username": "nobody",
    "token_id": "0",
    "webhook_name": "w",
    "notifier_name": "n",
    "delivery_id": "1",
    "session_id": "0",
    "code": "not_found",
    "hook_id": "0",
}
"""A value for each part of a path."""


class Answer:
    """One answer, decoded."""

    def __init__(self, response: TestResponse) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.media_type = response.mimetype
        self.body = response.get_data()
        response.close()

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Api:
    """A client of one application, by default as its administrator."""

    def __init__(self, url: str, home: Path, **settings: Any) -> None:
        self.app = create_app(ApiSettings(database_url=url, home=home, version="1.2.3", **settings))
        self.database: Database = open_database(url)
        self.token = admin_token(home)[0]
        self._client = self.app.test_client(use_cookies=False)
        self._engine: Engine | None = None

    def request(self, method: str, path: str, *, token: str | None = "", **options: Any) -> Answer:
        """Send a request and check that its answer is documented. `token` None sends none, empty the admin's."""
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token or self.token}")
        full = path if path.startswith((ROOT, *_OUTSIDE)) or path == "/" else ROOT + path
        answer = Answer(self._client.open(full, method=method, headers=headers, **options))
        check_documented(method, full.partition("?")[0], answer)
        return answer

    def get(self, path: str, status: int = 200, **options: Any) -> Any:
        return self._json("GET", path, status, **options)

    def put(self, path: str, body: Any, status: int = 200, **options: Any) -> Any:
        return self._json("PUT", path, status, json=body, **options)

    def post(self, path: str, body: Any, status: int = 200, **options: Any) -> Any:
        return self._json("POST", path, status, json=body, **options)

    def patch(self, path: str, body: Any, status: int = 200, **options: Any) -> Any:
        return self._json("PATCH", path, status, json=body, **options)

    def delete(self, path: str, status: int = 204, **options: Any) -> Any:
        return self._json("DELETE", path, status, **options)

    def save(self, dag_id: str = "etl", tasks: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """Create a DAG of the given tasks, by default `a` and then `b`."""
        chosen = tasks or {"a": SHELL, "b": {**SHELL, "depends_on": ["a"]}}
        return self.put(f"/dags/{dag_id}", {"tasks": chosen, **more}, 201)

    def trigger(self, dag_id: str = "etl", run_id: str | None = None, **more: Any) -> str:
        """Start a run; returns its id."""
        run_id = self.post(f"/dags/{dag_id}/dagRuns", {"dag_run_id": run_id, **more})["dag_run_id"]
        return str(run_id)

    def token_of(self, role: Role | None, **more: Any) -> str:
        """A new token of this role."""
        token = f"ms_{role}_{datetime.now(UTC).timestamp()}"
        add_token(self.database, token, name=f"a {role}", role=role, now=datetime.now(UTC), **more)
        return token

    @property
    def engine(self) -> Engine:
        """The scheduler of this database; its clock follows ours, so that it starts what was triggered."""
        if self._engine is None:
            self._engine = Engine(self.database)
        self._engine.clock.instant = datetime.now(UTC)
        return self._engine

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
        self.database.close()
        close_app(self.app)

    def _json(self, method: str, path: str, status: int, **options: Any) -> Any:
        answer = self.request(method, path, **options)
        assert answer.status == status, f"{method} {path}: {answer.status} {answer.body.decode()[:2000]}"
        return answer.json if answer.body else None


def check_documented(method: str, path: str, answer: Answer) -> None:
    """An answer has a status and a body that the document tells of. Paths that no route matches, and those of Airflow's
    that are not here, are exempt."""
    operation = _operation(method, unquote(path))
    if operation is None or answer.status == 501:
        return
    described = operation["responses"].get(str(answer.status))
    assert described is not None, f"{method} {path} answered {answer.status}, which is not documented: {answer.body!r}"
    if "$ref" in described:
        described = document()["components"]["responses"][described["$ref"].rpartition("/")[2]]
    content = described.get("content", {})
    if not content:
        assert answer.body == b"", f"{method} {path} answered {answer.status} with a body, documented without"
        return
    media_type = answer.media_type.replace("problem+json", "json")
    assert media_type in content, f"{method} {path} answered {answer.media_type}, documented are {list(content)}"
    if media_type == "application/json":
        _validator(content[media_type]["schema"]).validate(answer.json)
        if answer.status >= 400:
            codes = {answer.json["code"], *(each["code"] for each in answer.json.get("errors", []))}
            assert codes <= documented_codes(), f"{codes - documented_codes()} do not stand in docs/errors.md"


@lru_cache(maxsize=1)
def documented_codes() -> frozenset[str]:
    """The codes of errors that docs/errors.md explains."""
    page = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^\| `([a-z0-9_]+)` \|", page, re.MULTILINE))


def _operation(method: str, path: str) -> Mapping[str, Any] | None:
    # A path that says more in its own words comes before one that leaves more open.
    for template, item in sorted(document()["paths"].items(), key=lambda entry: entry[0].count("{")):
        if (
            method.lower() in item
            and "\0" not in path
            and re.fullmatch(re.sub(r"\{[^}]+\}", _part, template), path, re.DOTALL)
        ):
            return item[method.lower()]  # type: ignore[no-any-return]
    return None


def _part(name: re.Match[str]) -> str:
    # Beside a map index stand words, which are other paths.
    return r"-?\d+" if name[0] == "{map_index}" else "[^/]+"


def _validator(schema: Mapping[str, Any]) -> Any:
    """Of answers as they are now: a member that the schema does not name is an error too."""
    key = orjson.dumps(schema).decode()
    if key not in _validators:
        components = {"schemas": {name: _closed(each) for name, each in document()["components"]["schemas"].items()}}
        _validators[key] = jsonschema_rs.Draft202012Validator(
            {**schema, "components": components}, validate_formats=True
        )
    return _validators[key]


_validators: dict[str, Any] = {}


def _closed(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if schema.get("type") == "object" and "additionalProperties" not in schema:
        return {**schema, "additionalProperties": False}
    return schema
