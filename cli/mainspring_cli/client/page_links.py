"""Links that log a browser in."""

from urllib.parse import urlsplit

__all__ = ["page_link"]


def page_link(url: str, code: str) -> str:
    """The link of a sign-in code. A browser never sends the part behind `#` to a server.

    url: address of the server, with or without a path.
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/login#code={code}"
