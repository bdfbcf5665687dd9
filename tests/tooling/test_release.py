"""The version in all files, and the changelog of a release."""

import json
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from release.previous import check_previous
from release.tool import image_tags
from release.versions import (
    ReleaseError,
    close_changelog,
    current_version,
    npm_version,
    set_version,
    tag_text,
    version_section,
)
from tests.services.environment import child_environment

ROOT = Path(__file__).parents[2]
FILES = (
    "pyproject.toml",
    "clients/python/pyproject.toml",
    "clients/typescript/package.json",
    "clients/typescript/package-lock.json",
)
DAY = date(2026, 11, 30)
CHANGELOG = """# Changelog

## Unreleased

### Added
- One thing.

### Fixed
- Another.

## 0.1.0 - 2026-01-02

- The first.
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_all_files_state_one_version() -> None:
    version = current_version(ROOT)
    assert f'"mainspring-client=={version}"' in (ROOT / "pyproject.toml").read_text()
    assert current_version(ROOT / "clients" / "python") == version
    package, lock = (json.loads((ROOT / name).read_bytes()) for name in FILES[2:])
    assert package["version"] == lock["version"] == lock["packages"][""]["version"] == npm_version(version)


def test_a_version_is_written_into_every_file_and_nothing_else_changes(project: Path) -> None:
    before = current_version(project)
    texts = {name: (project / name).read_text() for name in FILES}
    set_version(project, "99.0.0rc1")
    for name in FILES:
        words = "99.0.0rc1" if name.endswith(".toml") else "99.0.0-rc1"
        changed = (project / name).read_text()
        assert words in changed
        lines = [(a, b) for a, b in zip(texts[name].split("\n"), changed.split("\n"), strict=True) if a != b]
        assert lines
        for old, new in lines:
            assert new == old.replace(before, words).replace(npm_version(before), words)


@pytest.mark.parametrize("version", ["0.0.1", "1.0", "v1.0.0", "1.0.0-rc1", "1.0.0.dev1", "01.0.0", "1.0.0\n", ""])
def test_a_version_that_is_none_or_not_above_the_present_one_is_refused(project: Path, version: str) -> None:
    with pytest.raises(ReleaseError, match=r"is no version|is not above"):
        set_version(project, version)


def test_the_present_version_is_not_above_itself(project: Path) -> None:
    with pytest.raises(ReleaseError, match="is not above"):
        set_version(project, current_version(project))


def test_the_changelog_gets_the_version_and_a_new_section(project: Path) -> None:
    closed = close_changelog(CHANGELOG, "0.2.0", DAY)
    assert closed.startswith("# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-11-30\n\n### Added\n")
    assert version_section(closed, "0.2.0") == (DAY, "### Added\n- One thing.\n\n### Fixed\n- Another.\n")
    assert version_section(closed, "0.1.0") == (date(2026, 1, 2), "- The first.\n")
    with pytest.raises(ReleaseError, match="has nothing below"):
        close_changelog(closed, "0.3.0", DAY)
    with pytest.raises(ReleaseError, match=re.escape("has a section of 0.1.0 already")):
        close_changelog(CHANGELOG, "0.1.0", DAY)
    with pytest.raises(ReleaseError, match="has no section"):
        version_section(CHANGELOG, "0.2.0")


def test_git_keeps_every_line_of_the_tag() -> None:
    text = tag_text("0.2.0", "### Added\n- One thing.\n")
    assert text == "Mainspring 0.2.0\n\nAdded\n-----\n- One thing.\n"


def test_only_a_release_moves_tags_of_the_image() -> None:
    assert image_tags("1.2.3") == ["1.2.3", "1.2", "latest"]
    assert image_tags("1.2.3rc1") == ["1.2.3rc1"]


class History:
    """A repository with two releases and the file that names the one before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet")
        self.commits = {tag: self._release(tag, revision) for tag, revision in (("v0.2.0", "0020"), ("v0.3.0", "0025"))}
        self._release("v1.0.0rc1", "0026")

    def git(self, *arguments: str) -> str:
        environment = child_environment(
            **{f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        )
        line = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(line, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    def name(self, commit: str, revision: str) -> None:
        file = self.folder / "tests" / "schemas" / "previous.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'PREVIOUS_COMMIT = "{commit}"\nPREVIOUS_REVISION = "{revision}"\n')

    def _release(self, tag: str, revision: str) -> str:
        migration = self.folder / f"store/mainspring_store/schema/migrations/versions/{revision}_a_change.py"
        migration.parent.mkdir(parents=True, exist_ok=True)
        migration.touch()
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", tag)
        self.git("tag", tag)
        return self.git("rev-parse", "HEAD")


def test_a_release_is_refused_while_the_tests_run_beside_another_one_than_that_before(tmp_path: Path) -> None:
    history = History(tmp_path)
    for version, tag, revision in (
        ("0.3.0", "v0.2.0", "0020"),
        ("0.3.1", "v0.3.0", "0025"),
        ("1.0.0", "v0.3.0", "0025"),
    ):
        wrong = [("0" * 40, revision), (history.commits[tag], "0019")]
        for commit, tables in wrong:
            history.name(commit, tables)
            with pytest.raises(ReleaseError) as refused:
                check_previous(tmp_path, version)
            assert f'PREVIOUS_COMMIT = "{history.commits[tag]}"' in str(refused.value)
            assert f'PREVIOUS_REVISION = "{revision}"' in str(refused.value)
        history.name(history.commits[tag], revision)
        assert check_previous(tmp_path, version) == f"the tests of an upgrade run beside {tag}"


def test_before_the_first_tag_the_commit_is_told_and_its_tables_are_checked(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.name(commit := history.commits["v0.2.0"], "0020")
    assert f"commit {commit}, as no release below 0.2.0 has a tag" in check_previous(tmp_path, "0.2.0")
    history.name(commit, "0021")
    with pytest.raises(ReleaseError, match="0020"):
        check_previous(tmp_path, "0.2.0")
