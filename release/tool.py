"""Makes a release: `./dev release VERSION --out DIR`; see docs/releases.md.

The first call gives the project the version and closes the changelog. Every call writes into DIR, which must be empty
or absent: two wheels, the npm package, the section of the changelog, the text of the tag, the tags of the image, the
bill of materials (SBOM) and the checksums of all. Equal sources give equal bytes. Nothing is tagged or published.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from clients import generate  # noqa: E402
from release.bill import bill_of_materials  # noqa: E402
from release.previous import check_previous  # noqa: E402
from release.versions import (  # noqa: E402
    ReleaseError,
    close_changelog,
    current_version,
    set_version,
    tag_text,
    version_section,
)

CHANGELOG = ROOT / "CHANGELOG.md"
SOURCES = (ROOT, ROOT / "clients" / "python")
CHECKSUMS = "SHA256SUMS"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version", help="like 0.2.0 or 1.0.0rc1")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the files")
    options = parser.parse_args()
    try:
        prepare(options.version)
        write_release(options.out)
    except ReleaseError as exc:
        print(f"release: {exc}", file=sys.stderr)
        return 1
    return 0


def prepare(version: str) -> None:
    """Give the project a version, unless it has this one."""
    if version == current_version(ROOT):
        return
    print(check_previous(ROOT, version))
    changelog = close_changelog(CHANGELOG.read_text(encoding="utf-8"), version, datetime.now(UTC).date())
    set_version(ROOT, version)
    CHANGELOG.write_text(changelog, encoding="utf-8")
    # The documents and the clients state the version. ./dev installs the project anew, as its version is another.
    _run([ROOT / "dev", "sdk"])
    document, released = ROOT / "openapi" / "mainspring.json", ROOT / "openapi" / "released.json"
    _run([sys.executable, ROOT / "openapi" / "changes.py", "--release", document, released])
    (ROOT / "openapi" / "accepted-changes.txt").write_text("", encoding="utf-8")
    print(f"the project has version {version} now: run the tests, commit, and call this again for the files")


def write_release(folder: Path) -> None:
    """Write the files of the present version.

    Raises:
        ReleaseError: The folder holds files, or the changelog has no section of the version.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ReleaseError(f"{folder} is not empty; name a new folder")
    version = current_version(ROOT)
    day, section = version_section(CHANGELOG.read_text(encoding="utf-8"), version)
    folder.mkdir(parents=True, exist_ok=True)
    _build_wheels(folder, day)
    _pack_npm(folder)
    texts = {
        "CHANGES.md": section,
        "tag.txt": tag_text(version, section),
        "image-tags.txt": "".join(f"mainspring:{tag}\n" for tag in image_tags(version)),
        "sbom.cdx.json": json.dumps(bill_of_materials(ROOT, version, day), indent=2) + "\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(folder.iterdir())]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")
    print(f"{folder} has the files of {version}; sha256sum --check {CHECKSUMS} holds them against their checksums")


def image_tags(version: str) -> list[str]:
    """Tags of the image, the one that never moves first. A version before a release has no other."""
    parts = version.split(".")
    return [version, f"{parts[0]}.{parts[1]}", "latest"] if parts[2].isdigit() else [version]


def _build_wheels(folder: Path, day: date) -> None:
    """Wheels with the day of the version as the time of their files."""
    epoch = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    for source in SOURCES:
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder.resolve()]
        _run(build, folder=source, SOURCE_DATE_EPOCH=str(epoch))


def _pack_npm(folder: Path) -> None:
    """The npm package; its files have npm's own fixed time."""
    generate.install_node_packages()
    node = generate.node()
    pack = [*generate.npm(node), "pack", "--silent", "--pack-destination", folder.resolve()]
    _run(pack, folder=generate.TYPESCRIPT, PATH=f"{node.parent}{os.pathsep}{os.environ['PATH']}")


def _run(line: list[str | Path], *, folder: Path = ROOT, **variables: str) -> None:
    ended = subprocess.run(line, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True)
    if ended.returncode != 0:
        raise ReleaseError(f"{' '.join(map(str, line))} failed:\n{ended.stdout}{ended.stderr}")


if __name__ == "__main__":
    sys.exit(main())
