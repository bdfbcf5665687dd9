"""The built web page: the files of ui/, as `./dev ui` writes them."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable

__all__ = ["Bundle", "File", "bundle"]

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
_COMPRESSED = frozenset({".css", ".html", ".js", ".svg", ".txt"})
_PAGE = "index.html"


@dataclass(frozen=True, slots=True)
class File:
    media_type: str
    content: bytes
    compressed: bytes | None
    """By gzip; `None` = the format is compressed by itself."""


@dataclass(frozen=True, slots=True)
class Bundle:
    build: str
    """A digest of all files. The files of another build have other addresses, so each may be kept forever."""
    page: File
    """The page itself. Its addresses of files name the build."""
    files: dict[str, File]
    """By path below `/static/{build}/`."""


@lru_cache(maxsize=1)
def bundle() -> Bundle | None:
    """Read once in a process; `None` = this installation has no page."""
    root = resources.files("mainspring_api") / "static"
    if not (root / _PAGE).is_file():
        return None
    contents = dict(sorted(_walk(root, "")))
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    build = digest.hexdigest()[:16]
    page = contents.pop(_PAGE).replace(b'"./', f'"/static/{build}/'.encode())
    return Bundle(build, _file(_PAGE, page), {name: _file(name, content) for name, content in contents.items()})


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _walk(entry, f"{prefix}{entry.name}/")
        elif _suffix(entry.name) in MEDIA_TYPES:
            found.append((prefix + entry.name, entry.read_bytes()))
    return found


def _file(name: str, content: bytes) -> File:
    suffix = _suffix(name)
    compressed = gzip.compress(content, 9, mtime=0) if suffix in _COMPRESSED else None
    return File(MEDIA_TYPES[suffix], content, compressed)


def _suffix(name: str) -> str:
    return "." + name.rpartition(".")[2]
