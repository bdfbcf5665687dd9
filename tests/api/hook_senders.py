"""Services that deliver to hooks, for tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from mainspring.hook_signatures import HookKind
from tests.api.harness import Answer, Api
from tests.unit.core.test_hook_signatures import SIGNS

__all__ = ["Sender", "make_hook"]


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Signs deliveries to a hook and sends them."""

    api: Api
    id: str
    kind: HookKind
    path: str
    secret: str

    def send(
        self,
        content: Any = None,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str | None] = {},
        secret: str | None = None,
        path: str | None = None,
        age: timedelta = timedelta(),
        media_type: str = "application/json",
    ) -> Answer:
        """Deliver JSON, or these bytes. headers: besides the signature, or instead of it; None = leave it out."""
        data = orjson.dumps({} if content is None else content) if body is None else body
        signed = SIGNS[self.kind](secret or self.secret, data, datetime.now(UTC) - age)
        sent = {**signed, "Content-Type": media_type, **headers}
        return self.api.request(
            "POST",
            path or self.path,
            token=None,
            data=data,
            headers={name: value for name, value in sent.items() if value is not None},
        )


def make_hook(
    api: Api, kind: HookKind = HookKind.GITHUB, *, name: str = "push", dag_id: str = "etl", token: str = "", **more: Any
) -> Sender:
    hook = api.post("/hooks", {"name": name, "dag_id": dag_id, "kind": kind, **more}, 201, token=token)
    return Sender(api=api, id=hook["id"], kind=kind, path=hook["path"], secret=hook["secret"])
