"""Measures the language and the length of functions of each package: `python -m tests.tooling.prose`.

The share of empty words, tangled sentences, house words and pointing names has a bound for each package; so has the
length of a function and the length of a commit subject. CONTRIBUTING.md says how to write so that the bounds hold.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.services.environment import child_environment

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "store", "executors", "scheduler", "api", "testing", "cli")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


EMPTY_WORDS = _words(
    """
    it its what that which who whom whoever whatever one ones other others another so such this these those
    them they their there then thing things something anything nothing everything nobody somebody anybody
    same as else also besides meanwhile anew told tell tells telling said says say
    """
)
HOUSE_WORDS = _words(
    """
    whoever whatever anew besides meanwhile told tells tell somebody nobody
    """
)
POINTING_NAMES = _words(
    """
    one each found given told held here left known wanted others ours theirs mine took won moved ended due
    over asked shown own ahead beside back meant before after there gone same away still within
    """
)

EMPTY_SHARE_MAX = 0.10
TANGLED_SHARE_MAX = 0.02
HOUSE_PER_HUNDRED_MAX = 0.5
POINTING_SHARE_MAX = 0.005
FUNCTION_LINES_MAX = 50
TANGLED_FROM = 0.33
"""A sentence with a larger share of empty words is tangled."""
SENTENCE_WORDS_MIN = 8

TABLES_OF_DATA: frozenset[str] = frozenset()
"""Functions that may be longer, because they hold data: `path::name`."""

SUBJECT_CHARS_MAX = 72
SUBJECTS_SINCE = "a5d5762"
"""Commits after this commit have short subjects."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measures:
    """The figures of one package. Shares are between 0 and 1."""

    empty_share: float
    tangled_share: float
    house_per_hundred: float
    pointing_share: float
    long_functions: Sequence[str]

    @property
    def faults(self) -> Sequence[str]:
        """What exceeds its bound, in a few words; empty when the package is within all bounds."""
        figures = (
            ("empty words", self.empty_share, EMPTY_SHARE_MAX),
            ("tangled sentences", self.tangled_share, TANGLED_SHARE_MAX),
            ("pointing names", self.pointing_share, POINTING_SHARE_MAX),
        )
        faults = [f"{name} {share:.2%} of at most {bound:.1%}" for name, share, bound in figures if share > bound]
        if self.house_per_hundred > HOUSE_PER_HUNDRED_MAX:
            faults.append(f"house words {self.house_per_hundred:.1f} in 100 sentences of {HOUSE_PER_HUNDRED_MAX}")
        return [*faults, *(f"{name} has over {FUNCTION_LINES_MAX} lines" for name in self.long_functions)]


def measure(folder: Path) -> Measures:
    """The figures of all Python files below a folder, migrations excepted."""
    sentences: list[tuple[float, int]] = []
    names: list[str] = []
    long_functions: list[str] = []
    for path in sorted(folder.rglob("*.py")):
        if "migrations" in path.parts:
            continue
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        sentences += [figures for text in _texts(source, tree) for figures in _sentences(text)]
        names += _bound_names(tree)
        long_functions += _long_functions(tree, str(path.relative_to(folder.parent)))
    count = max(1, len(sentences))
    return Measures(
        empty_share=sum(share for share, _ in sentences) / count,
        tangled_share=sum(share > TANGLED_FROM for share, _ in sentences) / count,
        house_per_hundred=100 * sum(house for _, house in sentences) / count,
        pointing_share=sum(name in POINTING_NAMES for name in names) / max(1, len(names)),
        long_functions=long_functions,
    )


def _texts(source: str, tree: ast.AST) -> Iterator[str]:
    """The comments, and every string that stands alone as a statement."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string.lstrip("# ")
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def _sentences(text: str) -> Iterator[tuple[float, int]]:
    """For each sentence of some length: its share of empty words, and the number of its house words."""
    for sentence in re.split(r"(?<=[.;:])\s+", re.sub(r"\s+", " ", text.strip())):
        words = [word.lower() for word in re.findall(r"[A-Za-z']+", sentence)]
        if len(sentence.split()) >= SENTENCE_WORDS_MIN and len(words) >= 6:
            empty = sum(word in EMPTY_WORDS for word in words)
            yield empty / len(words), sum(word in HOUSE_WORDS for word in words)


def _bound_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg


def _long_functions(tree: ast.AST, path: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno is not None:
            name = f"{path}::{node.name}"
            if node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX and name not in TABLES_OF_DATA:
                yield name


def long_subjects() -> Sequence[str] | None:
    """Commit subjects that are too long, newest first; None where the history is not there."""
    known = subprocess.run(
        ["git", "cat-file", "-e", f"{SUBJECTS_SINCE}^{{commit}}"],
        env=child_environment(),
        cwd=ROOT,
        capture_output=True,
    )
    if known.returncode != 0:
        return None
    log = ["git", "log", "--no-merges", "--format=%s", f"{SUBJECTS_SINCE}..HEAD"]
    subjects = subprocess.run(
        log, env=child_environment(), cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [subject for subject in subjects if len(subject) > SUBJECT_CHARS_MAX]


def main() -> int:
    faults = [f"{package}: {fault}" for package in PACKAGES for fault in measure(ROOT / package).faults]
    subjects = long_subjects()
    if subjects is None:
        print(f"commit subjects: skipped, the history since {SUBJECTS_SINCE} is not there")
    faults += [f"commit subject over {SUBJECT_CHARS_MAX} characters: {subject}" for subject in subjects or ()]
    print("\n".join(faults) or "prose: all packages are within the bounds")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
