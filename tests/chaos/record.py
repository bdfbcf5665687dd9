"""The results of trials: one line of JSON each, in a file for each commit and executor."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.chaos.faults import failpoints, kinds_of
from tests.chaos.trial import LEFT_OUT, Verdict
from tests.services.environment import child_environment

__all__ = ["FOLDER", "append", "path_of", "read", "summary", "write_page"]

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".chaos"
_LIMITS = {"scheduler": 3.0, "worker": 35.0, "redis": 10.0, "postgres": 5.0}
"""What was gone -> within how many seconds work goes on, in 95 of 100 cases. Seconds."""


def path_of(executor: str) -> Path:
    """Where the results of what is checked out now are kept; of its own when something is changed."""
    commit = _git("rev-parse", "--short=12", "HEAD")
    changed = "-changed" if _git("status", "--porcelain", "--untracked-files=no") else ""
    return FOLDER / f"{commit}{changed}-{executor}.jsonl"


def append(path: Path, verdict: Verdict) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(asdict(verdict)) + "\n")


def read(path: Path) -> list[Verdict]:
    """All results in the file, in order; none when there is none."""
    if not path.exists():
        return []
    return [Verdict(**json.loads(line)) for line in path.read_text().splitlines()]


def summary(verdicts: Sequence[Verdict]) -> str:
    """The figures for a terminal."""
    failed = [verdict.seed for verdict in verdicts if verdict.violations]
    mean = sum(verdict.seconds for verdict in verdicts) / max(1, len(verdicts))
    hits = _hits(verdicts)
    lines = [
        f"{len(verdicts)} trials, {len(failed)} failed{_listed(failed)}, {mean:.1f} s each; "
        f"{len(hits)} failpoints reached, {hits.total()} times"
    ]
    rows = ["{:10} {:>5} times, p95 {:5.1f} s, limit {:g} s".format(*row) for row in _recoveries(verdicts)]
    return "\n".join([*lines, *rows])


def write_page(verdicts: Sequence[Verdict], executor: str) -> None:
    """Put the figures of one executor into docs/chaos.md."""
    page = ROOT / "docs" / "chaos.md"
    mark = re.compile(rf"(?<=<!-- {executor} -->\n).*?(?=<!-- /{executor} -->)", re.DOTALL)
    page.write_text(mark.sub(lambda _: _figures(verdicts, executor), page.read_text()))


def _figures(verdicts: Sequence[Verdict], executor: str) -> str:
    failed = [verdict.seed for verdict in verdicts if verdict.violations]
    hits = _hits(verdicts)
    seeds = [verdict.seed for verdict in verdicts]
    missed = sorted(set(failpoints(executor)) - set(hits))
    struck = Counter(kind for seed in seeds for kind in kinds_of(seed, executor))
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(struck.items()))
    left_out = sum(LEFT_OUT in fault for verdict in verdicts for fault in verdict.faults)
    kinds += f" ({left_out} full disk left out: not root)" if left_out else ""
    lines = [
        f"Commit `{_git('rev-parse', '--short=12', 'HEAD')}`, {len(verdicts)} trials with the seeds {_spans(seeds)}, "
        f"{len(failed)} failed{_listed(failed)}. Faults: {kinds}.",
        f"Of {len(failpoints(executor))} failpoints {len(hits)} were reached, {hits.total()} times."
        + (f" Not reached: {', '.join(f'`{name}`' for name in missed)}." if missed else ""),
        "",
        "| gone | times | work goes on, p95 | limit |",
        "|---|---|---|---|",
        *("| {} | {} | {:.1f} s | {:g} s |".format(*row) for row in _recoveries(verdicts)),
    ]
    return "\n".join(lines) + "\n"


def _hits(verdicts: Sequence[Verdict]) -> Counter[str]:
    return Counter(hit.split()[0] for verdict in verdicts for hit in verdict.hits)


def _spans(seeds: Sequence[int]) -> str:
    """Each unbroken row of seeds by its ends."""
    ordered = sorted(set(seeds))
    begins = [seed for seed in ordered if seed - 1 not in ordered]
    ends = [seed for seed in ordered if seed + 1 not in ordered]
    return ", ".join(f"{first} to {last}" for first, last in zip(begins, ends, strict=True))


def _listed(seeds: Sequence[int]) -> str:
    return f" ({', '.join(map(str, seeds))})" if seeds else ""


def _recoveries(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, int, float, float]]:
    """What was gone, how often, the 95th percentile of the seconds until work went on, and its limit."""
    for name, limit in _LIMITS.items():
        found = sorted(one for verdict in verdicts for one in verdict.recoveries.get(name, ()))
        if found:
            yield name, len(found), found[min(len(found) - 1, int(len(found) * 0.95))], limit


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], env=child_environment(), cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
