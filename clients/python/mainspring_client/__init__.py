"""A client of the Mainspring API. Generated from its OpenAPI document: a module in `api` for each operation, a class in
`models` for each schema. `run_and_wait` takes a run from its start to its end; `iterate` reads a list on all pages.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .client import AuthenticatedClient, Client
from .errors import ApiError, TokenExpired

if TYPE_CHECKING:
    from .awaited import run_and_wait, run_and_wait_async
    from .pages import iterate, iterate_async

# Imported at their first use: a program that uses one operation starts fast.
_MODULES = {
    "run_and_wait": ".awaited",
    "run_and_wait_async": ".awaited",
    "iterate": ".pages",
    "iterate_async": ".pages",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name], __name__), name)


__all__ = (
    "ApiError",
    "AuthenticatedClient",
    "Client",
    "TokenExpired",
    "iterate",
    "iterate_async",
    "run_and_wait",
    "run_and_wait_async",
)
