"""The version in every file of the project that states it, and the section of the changelog."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

__all__ = [
    "ReleaseError",
    "close_changelog",
    "current_version",
    "npm_version",
    "order",
    "set_version",
    "tag_text",
    "version_section",
]

UNRELEASED = "## Unreleased"
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)((?:a|b|rc)[1-9]\d*)?")
"""Of both Python and npm, but for `-` before a letter, which npm wants: see `npm_version`."""


class ReleaseError(Exception):
    """The release cannot be made; the message says why and what to do."""


def current_version(root: Path) -> str:
    """The version that the project states now."""
    return _stated((root / "pyproject.toml").read_text(encoding="utf-8"))


def set_version(root: Path, version: str) -> None:
    """Write the version into each file that states it.

    Raises:
        ReleaseError: The version has no known form, or is not above the present one.
    """
    if order(version) <= order(before := current_version(root)):
        raise ReleaseError(f"version {version} is not above {before}, which the project has now")
    for name, change in _FILES.items():
        path = root / name
        path.write_text(change(path.read_text(encoding="utf-8"), version), encoding="utf-8")


def npm_version(version: str) -> str:
    """`1.2.0rc1` in the words of npm: `1.2.0-rc1`."""
    return re.sub(r"(?<=\d)(?=a|b|rc)", "-", version, count=1)


def close_changelog(text: str, version: str, day: date) -> str:
    """The changelog with the unreleased section under the version and the day, and a new, empty one above it.

    Raises:
        ReleaseError: Nothing is unreleased, or the version has a section already.
    """
    if re.search(rf"^## {re.escape(version)}\b", text, re.MULTILINE):
        raise ReleaseError(f"CHANGELOG.md has a section of {version} already")
    before, heading, after = text.partition(f"{UNRELEASED}\n")
    if not heading or not after.partition("\n## ")[0].strip():
        raise ReleaseError(f"CHANGELOG.md has nothing below '{UNRELEASED}'")
    return f"{before}{UNRELEASED}\n\n## {version} - {day.isoformat()}\n{after}"


def version_section(text: str, version: str) -> tuple[date, str]:
    """The day of a version and the lines below its heading in the changelog.

    Raises:
        ReleaseError: The version has no section.
    """
    found = re.search(rf"^## {re.escape(version)} - (\d{{4}}-\d\d-\d\d)\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if found is None:
        raise ReleaseError(f"CHANGELOG.md has no section '## {version} - YYYY-MM-DD'")
    return date.fromisoformat(found[1]), found[2].strip() + "\n"


def tag_text(version: str, section: str) -> str:
    """The text of the annotated tag: git drops lines with `#` in front, so the headings are underlined."""
    lines = re.sub(r"^### (.+)$", lambda heading: f"{heading[1]}\n{'-' * len(heading[1])}", section, flags=re.MULTILINE)
    return f"Mainspring {version}\n\n{lines}"


def order(version: str) -> tuple[int, int, int, bool, str]:
    """A key that orders versions; a release candidate comes before its release.

    Raises:
        ReleaseError: The version has no known form.
    """
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ReleaseError(f"{version!r} is no version; write one like 0.2.0 or 1.0.0rc1")
    return int(found[1]), int(found[2]), int(found[3]), found[4] is None, found[4] or ""


def _stated(text: str) -> str:
    (version,) = re.findall(r'^version = "([^"]+)"$', text, re.MULTILINE)
    return str(version)


def _in_toml(text: str, version: str) -> str:
    changed = text.replace(f'\nversion = "{_stated(text)}"\n', f'\nversion = "{version}"\n')
    return re.sub(r'"mainspring-client==[^"]+"', f'"mainspring-client=={version}"', changed)


def _in_json(text: str, version: str) -> str:
    content = json.loads(text)
    for holder in (content, content.get("packages", {}).get("")):
        if holder is not None:
            holder["version"] = npm_version(version)
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


_FILES: Mapping[str, Callable[[str, str], str]] = {
    "pyproject.toml": _in_toml,
    "clients/python/pyproject.toml": _in_toml,
    "clients/typescript/package.json": _in_json,
    "clients/typescript/package-lock.json": _in_json,
}
