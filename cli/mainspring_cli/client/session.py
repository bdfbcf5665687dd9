"""A session with one server: address, requests, and errors."""

import functools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from mainspring_cli.client.contexts import Server, contexts_path, read_contexts, server_of
from mainspring_cli.client.exits import Rejected, Unreachable
from mainspring_cli.client.output import Output, with_output
from mainspring_cli.config import ConfigError, load_config

if TYPE_CHECKING:
    from mainspring_client import AuthenticatedClient, Client
    from mainspring_client.types import Response

__all__ = ["Session", "choose_server", "open_public_session", "open_session", "with_session"]

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
PAGE_SIZE = 100
ROWS_MAX = 100_000
"""Of a list that is read page by page."""
_BUSY = frozenset({429, 500, 502, 503, 504})
"""Statuses of a server, or of a proxy before it, that may do better later."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """Asks one server. Answers are the server's plain JSON."""

    server: Server
    client: "AuthenticatedClient | Client"
    output: Output

    def call(self, operation: ModuleType, *arguments: Any, **options: Any) -> Any:
        """The answer of an operation: a module of `mainspring_client.api`. `None` when it has no body.

        Raises:
            Rejected: The server refuses.
            Unreachable: There is no answer, or none of use.
        """
        import httpx

        try:
            response = operation.sync_detailed(*arguments, client=self.client, **options)
        except httpx.HTTPError as exc:
            raise Unreachable(f"{self.server.url}: {exc or type(exc).__name__}") from exc
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise Unreachable(f"{self.server.url} gave an answer that is not Mainspring's: {exc!r}") from exc
        self._refuse_errors(response)
        return json.loads(response.content) if response.content else None

    def tagged(self, operation: ModuleType, *arguments: Any) -> tuple[Any, str]:
        """The answer of a reading operation, and its `ETag`; raises as `call`."""
        import httpx

        try:
            response = operation.sync_detailed(*arguments, client=self.client)
        except httpx.HTTPError as exc:
            raise Unreachable(f"{self.server.url}: {exc or type(exc).__name__}") from exc
        self._refuse_errors(response)
        return json.loads(response.content), response.headers["ETag"]

    def call_if_match(self, etag: str, operation: ModuleType, *arguments: Any, **options: Any) -> Any:
        """As `call`; the server refuses with 412 unless the resource still has the `ETag`."""
        headers = self.client.get_httpx_client().headers
        headers["If-Match"] = etag
        try:
            return self.call(operation, *arguments, **options)
        finally:
            del headers["If-Match"]

    def text(self, operation: ModuleType, *arguments: Any) -> str:
        """The answer of an operation that answers a text; raises as `call`."""
        import httpx

        try:
            response = operation.sync_detailed(*arguments, client=self.client)
        except httpx.HTTPError as exc:
            raise Unreachable(f"{self.server.url}: {exc or type(exc).__name__}") from exc
        self._refuse_errors(response)
        return str(response.content.decode(errors="replace"))

    def rows(self, operation: ModuleType, key: str, *arguments: Any, **options: Any) -> Iterator[dict[str, Any]]:
        """All rows of a list, page by page, at most `ROWS_MAX`."""
        for offset in range(0, ROWS_MAX, PAGE_SIZE):
            page = self.call(operation, *arguments, limit=PAGE_SIZE, offset=offset, **options)
            yield from page[key]
            if offset + PAGE_SIZE >= page["total_entries"]:
                return

    def _refuse_errors(self, response: "Response[Any]") -> None:
        from mainspring_client.errors import ApiError, expect_success

        try:
            expect_success(response)
        except ApiError as exc:
            status = int(exc.status_code)
            # A conflict that will pass: the server is answering the same request of another client.
            if status in _BUSY or (status == 409 and "Retry-After" in response.headers):
                raise Unreachable(f"{self.server.url}: {exc}") from exc
            faults = exc.problem.errors or () if exc.problem else ()
            raise Rejected(str(exc), status=status, faults=[fault.to_dict() for fault in faults]) from exc


def open_session(context: str | None, output: Output, *, headers: Mapping[str, str] | None = None) -> Session:
    """A session with the server that is meant; nothing is asked yet."""
    import httpx

    from mainspring_client import AuthenticatedClient

    server = choose_server(context, os.environ)
    client = AuthenticatedClient(
        base_url=server.url,
        token=server.token,
        headers=dict(headers or {}),
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        # The token is for this server alone: no proxy of the environment gets to see it.
        httpx_args={"trust_env": False},
    )
    return Session(server=server, client=client, output=output)


def open_public_session(url: str, output: Output) -> Session:
    """A session without a token, for the operations that are open to everybody."""
    import httpx

    from mainspring_client import Client

    client = Client(
        base_url=url,
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        httpx_args={"trust_env": False},
    )
    return Session(server=Server(url=url, token=""), client=client, output=output)


def choose_server(context: str | None, environment: Mapping[str, str]) -> Server:
    """The context named by a flag; the variables MAINSPRING_URL and MAINSPRING_TOKEN; the context named by
    MAINSPRING_CONTEXT; the current context; the server that `mainspring up` would start here.

    Raises:
        ConfigError: The server is unknown, or has no token.
    """
    url = environment.get("MAINSPRING_URL")
    if url and not context:
        token = environment.get("MAINSPRING_TOKEN")
        if not token:
            raise ConfigError(["MAINSPRING_URL is set and MAINSPRING_TOKEN is not; both are needed"])
        return server_of(url, token, origin="MAINSPRING_TOKEN")
    contexts = read_contexts(contexts_path(environment))
    name = context or environment.get("MAINSPRING_CONTEXT") or contexts.current
    return contexts.require(name) if name else _server_here(environment)


def _server_here(environment: Mapping[str, str]) -> Server:
    config = load_config({}, environment).config
    token_file = config.home / "admin-token"
    try:
        token = config.admin_token or token_file.read_text(encoding="ascii").strip()
    except OSError as exc:
        raise ConfigError(
            [f"no server is known: {token_file} cannot be read ({exc.strerror}); mainspring contexts add NAME URL"]
        ) from exc
    scheme = "https" if config.tls_certificate else "http"
    return server_of(f"{scheme}://{config.host}:{config.port}", token, origin=str(token_file))


def with_session(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the common options to a command, which gets a session as first argument."""

    @click.option("--context", metavar="NAME", help="Which server (default: the current context).")
    @with_output
    @functools.wraps(command)
    def run(context: str | None, output: Output, **options: Any) -> None:
        command(open_session(context, output), **options)

    return run
