"""Paths outside `/api/v2` where clients of Airflow look. No document has them: what they answer has another path."""

from typing import Any

from flask import Blueprint, Response

from mainspring.errors import NotFound
from mainspring_api.resources.service.monitor import get_health

__all__ = ["blueprint"]

blueprint = Blueprint("moved", __name__)

_ANY = ("GET", "POST", "PUT", "PATCH", "DELETE")


def _refuse_v1(**_: Any) -> Response:
    raise NotFound("/api/v1 is the API of Airflow 2; the one of Airflow 3 is served here, under /api/v2")


blueprint.add_url_rule("/monitor/health", "get_health", get_health, methods=["GET"])
blueprint.add_url_rule("/api/v1", "refuse_v1", _refuse_v1, methods=_ANY)
blueprint.add_url_rule("/api/v1/<path:rest>", "refuse_v1", _refuse_v1, methods=_ANY)
