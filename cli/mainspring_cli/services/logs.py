"""The log of a service on standard error: lines of text for people, or a JSON object a line for programs."""

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any

__all__ = ["JsonFormatter", "TextFormatter", "log_to_stderr", "own_formatter"]


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON: `time` (UTC), `level`, `service`, `logger`, `message`, and with an exception
    its `traceback`."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Writes instants in UTC: TZ may be the zone of tasks, and then differs from service to service."""

    converter = staticmethod(time.gmtime)


def log_to_stderr(*, level: str, log_format: str, service: str) -> None:
    """Send the log of this process to standard error. log_format: `text` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    if log_format == "json":
        handler.setFormatter(JsonFormatter(service))
    else:
        text = f"%(asctime)s.%(msecs)03dZ %(levelname)-7s {service} %(name)s: %(message)s"
        handler.setFormatter(TextFormatter(text, "%Y-%m-%dT%H:%M:%S"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)


def own_formatter() -> logging.Formatter | None:
    """The formatter that `log_to_stderr` gave this process; None before."""
    formatters = (handler.formatter for handler in logging.getLogger().handlers)
    return next((formatter for formatter in formatters if isinstance(formatter, JsonFormatter | TextFormatter)), None)
