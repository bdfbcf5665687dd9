"""The files of a release: all there, sound, and the same bytes when they are made again."""

import hashlib
import json
import re
import sys
from pathlib import Path

import pytest

from release.versions import current_version, npm_version
from tests.packages.conftest import ROOT, SECONDS_MAX, run, run_well

pytestmark = pytest.mark.timeout(SECONDS_MAX)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("release") / "files")


def made(folder: Path) -> Path:
    run_well([sys.executable, ROOT / "release" / "tool.py", current_version(ROOT), "--out", folder])
    return folder


def test_two_builds_give_equal_bytes(files: Path, tmp_path: Path) -> None:
    again = made(tmp_path / "again")
    assert {file.name: file.read_bytes() for file in files.iterdir()} == {
        file.name: file.read_bytes() for file in again.iterdir()
    }


def test_all_files_are_there_and_have_their_checksums(files: Path) -> None:
    version = current_version(ROOT)
    sums = dict(line.split("  ")[::-1] for line in (files / "SHA256SUMS").read_text().splitlines())
    assert sums.keys() == {
        *(f"mainspring-{version}-py3-none-any.whl", f"mainspring_client-{version}-py3-none-any.whl"),
        *(f"mainspring-client-{npm_version(version)}.tgz", "CHANGES.md", "tag.txt", "image-tags.txt", "sbom.cdx.json"),
    }
    assert {name: hashlib.sha256((files / name).read_bytes()).hexdigest() for name in sums} == sums
    assert {file.name for file in files.iterdir()} == {*sums, "SHA256SUMS"}
    assert (files / "tag.txt").read_text().startswith(f"Mainspring {version}\n\n")


def test_the_bill_names_each_package_once_and_only_what_users_get(files: Path) -> None:
    bill = json.loads((files / "sbom.cdx.json").read_bytes())
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", bill["serialNumber"])
    refs = [each["bom-ref"] for each in bill["components"]]
    assert len(refs) == len(set(refs))
    names = {each["name"] for each in bill["components"]}
    assert {"flask", "sqlalchemy", "psycopg", "rq", "mainspring-client", "react", "openapi-fetch"} <= names
    assert not names & {"pytest", "hatchling", "typescript", "vite"}
    known = {*refs, bill["metadata"]["component"]["bom-ref"]}
    for entry in bill["dependencies"]:
        assert {entry["ref"], *entry["dependsOn"]} <= known
    assert all(each["hashes"] for each in bill["components"] if each["name"] != "mainspring-client")


def test_a_folder_that_holds_files_is_refused(files: Path) -> None:
    ended = run([sys.executable, ROOT / "release" / "tool.py", current_version(ROOT), "--out", files])
    assert ended.returncode == 1
    assert "is not empty" in ended.stderr
