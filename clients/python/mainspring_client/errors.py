"""What goes wrong, as exceptions."""

import json
from http import HTTPStatus
from typing import Any

import httpx

from .models.error_item import ErrorItem
from .models.problem import Problem
from .types import Response


class ApiError(Exception):
    """The server answered with an error."""

    def __init__(self, status_code: HTTPStatus, problem: Problem | None, content: bytes) -> None:
        self.status_code = status_code
        self.problem = problem
        """None when something else than the server answered, a proxy for example."""
        self.content = content
        super().__init__(f"{status_code.value} {status_code.phrase}: {self.message}")

    @property
    def code(self) -> str | None:
        """Stable name of what is wrong, `not_found` for example; None when something else than the server answered."""
        return None if self.problem is None else self.problem.code

    @property
    def message(self) -> str:
        """What is wrong, in words."""
        if self.problem is None:
            return self.content.decode(errors="replace")[:1000]
        if self.problem.errors:
            return "; ".join(_told(item) for item in self.problem.errors)
        detail = self.problem.detail
        if isinstance(detail, str):
            return f"{detail} ({self.problem.hint})" if self.problem.hint else detail
        members: dict[str, Any] = getattr(detail, "additional_properties", {})
        return str(members.get("message", detail))


class TokenExpired(ApiError):
    """The token was valid until its end: a new one helps."""


def error_of(status_code: HTTPStatus, problem: Problem | None, content: bytes) -> ApiError:
    """The exception for an answer with an error."""
    kind = TokenExpired if problem is not None and problem.code == "token_expired" else ApiError
    return kind(status_code, problem, content)


def parse_problem(response: httpx.Response) -> Problem | None:
    """The problem that an answer tells, if it is one of the server's."""
    try:
        return Problem.from_dict(response.json())
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError, KeyError, TypeError, ValueError):
        return None


def expect_success(response: Response[Any]) -> Any:
    """The parsed answer.

    Raises:
        TokenExpired: The token has expired. ApiError: The answer is another error.
    """
    if response.status_code < HTTPStatus.BAD_REQUEST:
        return response.parsed
    problem = response.parsed if isinstance(response.parsed, Problem) else None
    raise error_of(response.status_code, problem, response.content)


def _told(fault: ErrorItem) -> str:
    line = "" if fault.line is None else f"line {fault.line}, "
    pointer = f"{fault.pointer}: " if fault.pointer else ""
    hint = f" ({fault.hint})" if fault.hint else ""
    return f"{line}{pointer}{fault.message}{hint}"


__all__ = ["ApiError", "TokenExpired", "error_of", "expect_success", "parse_problem"]
