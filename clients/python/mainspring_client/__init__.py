"""A client of the Mainspring API. Generated from its OpenAPI document: a module in `api` for each operation, a class in
`models` for each schema.
"""

from .client import AuthenticatedClient, Client
from .errors import ApiError

__all__ = ("ApiError", "AuthenticatedClient", "Client")
