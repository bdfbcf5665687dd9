"""The OIDC token of the CI system that a command runs in."""

from collections.abc import Mapping
from urllib.parse import quote

from mainspring_cli.client.exits import Unreachable
from mainspring_cli.config import ConfigError

__all__ = ["TOKEN_VARIABLE", "ci_token"]

TOKEN_VARIABLE = "MAINSPRING_OIDC_TOKEN"  # noqa: S105 - the name of a variable
_URL_VARIABLE, _SECRET_VARIABLE = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_SECONDS = 30.0


def ci_token(environment: Mapping[str, str], *, audience: str) -> str:
    """The token of `MAINSPRING_OIDC_TOKEN`, which GitLab sets by `id_tokens`, or a new token of GitHub Actions.

    audience: for GitHub; GitLab's file names the audience itself.

    Raises:
        ConfigError: There is neither. Unreachable: GitHub gives no token.
    """
    token = environment.get(TOKEN_VARIABLE)
    if token:
        return token.strip()
    url, secret = environment.get(_URL_VARIABLE), environment.get(_SECRET_VARIABLE)
    if not url or not secret:
        raise ConfigError(
            [
                f"there is no token to exchange: on GitHub give the job `permissions: {{id-token: write}}`, on GitLab"
                f" name {TOKEN_VARIABLE} under `id_tokens`, elsewhere set {TOKEN_VARIABLE}"
            ]
        )
    return _from_github(url, secret, audience)


def _from_github(url: str, secret: str, audience: str) -> str:
    import httpx

    separator = "&" if "?" in url else "?"
    try:
        answer = httpx.get(
            f"{url}{separator}audience={quote(audience, safe='')}",
            headers={"Authorization": f"Bearer {secret}"},
            timeout=_SECONDS,
        )
        answer.raise_for_status()
        return str(answer.json()["value"])
    except httpx.HTTPStatusError as exc:
        raise Unreachable(f"GitHub gave no token: {exc.response.status_code}") from exc
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as exc:
        raise Unreachable(f"GitHub gave no token: {type(exc).__name__}") from exc
