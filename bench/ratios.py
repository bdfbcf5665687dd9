"""Ratios of the engine to its limit, against the last accepted ones: `./dev bench ratios`.

python -m bench.ratios            exit code 1 when a ratio is much worse than accepted
python -m bench.ratios --accept   write the median ratios of three measurements of this commit to accepted.json
python -m bench.ratios --json     print the ratios of this commit

A ratio is a time over the cost of one guarded update on the same database in the same run, so it depends less on the
machine than a time does. It still depends on the disk and on what else the machine does. So a ratio that is 30 % worse
than accepted is measured three times more, in turns with the accepted commit, and the median of these pairs decides.
A clone without the accepted commit has no pairs: the ratios are printed, and nothing fails.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from time import monotonic

from bench.engine import chain, database_url, fan, gaps_milliseconds, guarded_update_milliseconds, put, timed
from tests.acceptance.server import started
from tests.services.environment import child_environment

__all__ = ["compare", "main", "measure", "much_worse"]

ROOT = Path(__file__).resolve().parents[1]
ACCEPTED = Path(__file__).with_name("accepted.json")
WORSE_MAX = 1.3
PAIRS = 3
PAIRS_SECONDS_MAX = 100.0
"""Begin no further pair after this time: the check has 240 s on a busy machine."""
CHAINS = 4
WIDTH = 200

Ratios = Mapping[str, float]


def main(arguments: Sequence[str] = ()) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.ratios", description="Compare with the accepted ratios.")
    parser.add_argument("--accept", action="store_true", help="write the medians of three to accepted.json")
    parser.add_argument("--json", action="store_true", help="print the ratios of this commit")
    wanted = parser.parse_args(arguments)
    ratios = measure()
    if wanted.json:
        print(json.dumps(ratios))
        return 0
    if wanted.accept:
        all_ratios = [ratios, *(measure() for _ in range(PAIRS - 1))]
        ratios = {name: median(measured[name] for measured in all_ratios) for name in ratios}
        ACCEPTED.write_text(json.dumps({"commit": _commit(), "ratios": ratios}, indent=2) + "\n")
        return 0
    accepted = json.loads(ACCEPTED.read_text())
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f} guarded updates (accepted {accepted['ratios'].get(name, ratio):.2f})", flush=True)
    suspects = much_worse(ratios, accepted["ratios"])
    if not suspects:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        before = _checkout(accepted["commit"], Path(folder))
        if before is None:
            print(f"worse than accepted, but not compared: {', '.join(suspects)}")
            return 0
        try:
            worse = compare(suspects, again=measure, before=lambda: _measured_in(before))
        except subprocess.CalledProcessError:
            print("the accepted commit cannot run with the packages of today: accept the ratios of a newer one")
            return 1
    for name, factor in worse.items():
        print(f"{name} is {factor:.2f} times the accepted ratio, at most {WORSE_MAX} is allowed")
    return 1 if worse else 0


def much_worse(ratios: Ratios, accepted: Ratios) -> list[str]:
    """Names of the ratios that are much worse than accepted. A ratio that was never accepted is not."""
    return [name for name, ratio in ratios.items() if ratio > WORSE_MAX * accepted.get(name, ratio)]


def compare(suspects: Sequence[str], *, again: Callable[[], Ratios], before: Callable[[], Ratios]) -> dict[str, float]:
    """Name -> factor of the suspects that are much worse in the median of the pairs.

    again, before: measure this commit and the accepted commit once more.
    """
    pairs: list[tuple[Ratios, Ratios]] = []
    begun = monotonic()
    while len(pairs) < PAIRS and (not pairs or monotonic() - begun < PAIRS_SECONDS_MAX):
        pairs.append((before(), again()))
    factors = {name: median(now[name] / then[name] for then, now in pairs) for name in suspects}
    return {name: factor for name, factor in factors.items() if factor > WORSE_MAX}


def measure() -> dict[str, float]:
    """Name -> time in guarded updates of the same database."""
    ratios: dict[str, float] = {}
    for database in ("sqlite", "postgresql"):
        with database_url(database) as url, tempfile.TemporaryDirectory() as folder:
            settings = {"executor": "thread", **({"database_url": url} if url else {})}
            with started(Path(folder) / "home", **settings) as server:
                put(server, "chain", chain(20))
                put(server, "fan", fan(WIDTH), max_active_tasks=2 * WIDTH)
                timed(server, "chain")
                floor_url = url or f"sqlite:///{folder}/floor.db"
                floors = [guarded_update_milliseconds(floor_url)]
                paths = [timed(server, "chain") for _ in range(CHAINS)]
                gap = median(gap for path, _ in paths for gap in gaps_milliseconds(server, path))
                task = min(timed(server, "fan")[1] for _ in range(2)) * 1000 / (WIDTH + 2)
                floors.append(guarded_update_milliseconds(floor_url))
        # A busy disk changes from second to second.
        floor = sum(floors) / len(floors)
        ratios |= {
            f"{database}: gap": gap / floor,
            f"{database}: chain of 20": median(seconds * 1000 for _, seconds in paths) / floor,
            f"{database}: task of a wide run": task / floor,
        }
    return ratios


def _checkout(commit: str, folder: Path) -> Path | None:
    """The files of a commit in a folder; None = the clone does not have the commit, or the machine has no git."""
    archive = folder / "accepted.tar"
    if shutil.which("git") is None:
        return None
    made = subprocess.run(
        ["git", "archive", "--output", str(archive), commit], cwd=ROOT, env=child_environment(), capture_output=True
    )
    if made.returncode:
        print(f"the accepted commit {commit[:10]} is not in this clone")
        return None
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    return folder


def _measured_in(folder: Path) -> Ratios:
    packages = ("core", "store", "executors", "scheduler", "api", "testing", "cli")
    paths = ":".join(str(folder / name) for name in packages)
    ran = subprocess.run(
        [sys.executable, "-m", "bench.ratios", "--json"],
        cwd=folder,
        env=child_environment(PYTHONPATH=paths),
        stdout=subprocess.PIPE,
        check=True,
    )
    ratios: Ratios = json.loads(ran.stdout.splitlines()[-1])
    return ratios


def _commit() -> str:
    ran = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, env=child_environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    return ran.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
