"""The bill of materials of a release (SBOM): what the packages need and what the page contains, as CycloneDX 1.6."""

import base64
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import date
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["bill_of_materials"]

_NPM_LOCKS = ("clients/typescript/package-lock.json", "ui/package-lock.json")
"""Locks whose packages, but for the development ones, users get: as dependencies, and within the page."""
_OURS = frozenset({"mainspring", "mainspring-client"})


def bill_of_materials(root: Path, version: str, day: date) -> dict[str, Any]:
    """The document of the sources in `root`. The same sources give the same document."""
    needs = _needs()
    python = dict(_python_components(root / "requirements.lock", needs.keys() - _OURS))
    npm = {ref: component for lock in _NPM_LOCKS for ref, component in _npm_components(root / lock)}
    ours = {name: f"pkg:pypi/{name}@{version}" for name in sorted(_OURS)}
    refs = {**ours, **{component["name"]: ref for ref, component in python.items()}}
    dependencies = [
        {"ref": refs[name], "dependsOn": sorted(refs[other] for other in others if other in refs)}
        for name, others in sorted(needs.items())
        if name in refs
    ]
    main = {"type": "application", "bom-ref": ours["mainspring"], "name": "mainspring", "version": version,
            "purl": ours["mainspring"], "licenses": [{"license": {"id": "Apache-2.0"}}]}  # fmt: skip
    client = {"type": "library", "bom-ref": ours["mainspring-client"], "name": "mainspring-client", "version": version,
              "purl": ours["mainspring-client"], "licenses": [{"license": {"id": "Apache-2.0"}}]}  # fmt: skip
    components = [client, *(component for _, component in sorted({**python, **npm}.items()))]
    content = {"components": components, "dependencies": dependencies}
    serial = uuid.uuid5(uuid.NAMESPACE_URL, ours["mainspring"] + json.dumps(content, sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"timestamp": f"{day.isoformat()}T00:00:00Z", "component": main},
        **content,
    }


def _needs() -> dict[str, set[str]]:
    """Name of a distribution -> names that it requires, on any system, from `mainspring` with all extras on."""
    found: dict[str, set[str]] = {}
    waiting = [Requirement("mainspring[all]")]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        known = found.setdefault(name, set())
        for needed in _requirements(name, None if name == "mainspring" else requirement.extras):
            other = canonicalize_name(needed.name)
            if other not in known or needed.extras:
                known.add(other)
                waiting.append(needed)
            needed.extras = set()
    return found


def _requirements(name: str, extras: set[str] | None) -> Iterator[Requirement]:
    """Of an installed distribution; nothing of one for another system. extras: `None` = all of them."""
    try:
        lines = requires(name) or []
    except PackageNotFoundError:
        return
    for line in lines:
        requirement = Requirement(line)
        wanted = re.findall(r'extra == "([^"]+)"', str(requirement.marker or ""))
        if not wanted or extras is None or extras & set(wanted):
            yield requirement


def _python_components(lock: Path, names: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8").strip()):
        found = re.match(r"([a-z0-9.-]+)==(\S+)", entry)
        assert found is not None, f"a line of {lock.name} pins no version: {entry[:80]}"
        name, version = found.groups()
        if name in names:
            hashes = sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})", entry))
            ref = f"pkg:pypi/{name}@{version}"
            yield ref, _component(ref, name, version, [("SHA-256", each) for each in hashes])


def _npm_components(lock: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    packages: Mapping[str, Mapping[str, Any]] = json.loads(lock.read_bytes())["packages"]
    for path, package in packages.items():
        if not path or package.get("dev") or package.get("link") or package.get("devOptional"):
            continue
        name = path.rpartition("node_modules/")[2]
        kind, _, digest = package["integrity"].partition("-")
        assert kind == "sha512", f"{name} is locked by {kind}"
        ref = f"pkg:npm/{name.replace('@', '%40', 1)}@{package['version']}"
        yield ref, _component(ref, name, package["version"], [("SHA-512", base64.b64decode(digest).hex())])


def _component(ref: str, name: str, version: str, hashes: list[tuple[str, str]]) -> dict[str, Any]:
    """hashes: of the files of which an installation takes one."""
    return {
        "type": "library",
        "bom-ref": ref,
        "name": name,
        "version": version,
        "purl": ref,
        "hashes": [{"alg": algorithm, "content": content} for algorithm, content in hashes],
    }
