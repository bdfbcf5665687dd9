"""What the page must know before and after a login."""

from typing import Any

from flask import Response, request
from marshmallow import fields

from mainspring_api.http.answers import answer
from mainspring_api.http.bundle import bundle
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer
from mainspring_api.http.middleware import sender
from mainspring_api.http.operations import Resource

__all__ = ["UiConfig", "blueprint", "ui_config"]

blueprint = Resource("ui_config", "Settings of the page", tag="root")

LOGINS = ("password", "token")
LANGUAGES = ("en", "ko")


class UiConfig(Answer):
    """Settings of the page. Members that say anything about this server are null without a credential."""

    instance_name = fields.String(metadata={"description": "Name of this installation"})
    logins = fields.List(fields.String(), metadata={"description": "Ways to log in: `password`, `token`, `oidc`"})
    oidc_name = fields.String(
        allow_none=True, metadata={"description": "Name of the identity provider for `oidc`; null = there is none"}
    )
    languages = fields.List(fields.String(), metadata={"description": "Languages of the page, by ISO 639 code"})
    build = fields.String(metadata={"description": "Build of the page that this server has; empty = no page"})
    banner = fields.String(allow_none=True, metadata={"description": "Sentence to show above all; null = no banner"})
    default_timezone = fields.String(
        allow_none=True, metadata={"description": "IANA zone to show instants in; null = the zone of the browser"}
    )
    version = fields.String(allow_none=True, metadata={"description": "Version of Mainspring"})
    public_url = fields.String(
        allow_none=True, metadata={"description": "Address of this server as the client reaches it, without a path"}
    )


@blueprint.operation("GET", "/uiConfig", "get_ui_config", role=None, answer=UiConfig)
def get_ui_config() -> Response:
    """Settings of the page: a few for everybody, the others for who is logged in."""
    return answer(ui_config(is_known=sender() is not None))


def ui_config(*, is_known: bool) -> dict[str, Any]:
    """A `UiConfig`. is_known: whether the request has a credential."""
    settings, built = context().settings, bundle()
    oidc = settings.oidc
    return {
        "instance_name": settings.ui_name,
        "logins": LOGINS if oidc is None else (*LOGINS, "oidc"),
        "oidc_name": None if oidc is None else oidc.label,
        "languages": LANGUAGES,
        "build": built.build if built else "",
        "banner": settings.ui_banner if is_known else None,
        "default_timezone": settings.ui_timezone if is_known else None,
        "version": settings.version if is_known else None,
        "public_url": request.host_url.rstrip("/") if is_known else None,
    }
