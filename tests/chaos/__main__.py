"""Kill trials: `./dev chaos --trials 60 [--seed N] [--executor rq|local|thread] [--fault KIND] [--resume]`.

Trial k has seed N + k, and does the same again with that seed. Results are appended to `.chaos/<commit>.jsonl`;
`--resume` counts the trials of this commit that are there and goes on after the last of their seeds. What a failed
trial left is kept in `.chaos/failed-<seed>`.
"""

import argparse
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count, islice
from pathlib import Path

from tests.chaos import record, small_disk
from tests.chaos.faults import KINDS, kinds_of
from tests.chaos.installation import Installation, installed
from tests.chaos.trial import Trial, Verdict
from tests.services.environment import child_environment

FAILURES_MAX = 5
"""After so many there is something to mend first."""


def main(arguments: Sequence[str]) -> int:
    wanted = _parsed(arguments)
    if wanted.webhooks:
        trials_of_webhooks = ["-q", "--all-kills", "tests/acceptance/faults/test_webhook_trials.py"]
        environment = child_environment()
        return subprocess.call([sys.executable, "-m", "pytest", *trials_of_webhooks], env=environment)
    path = record.path_of(wanted.executor)
    before = record.read(path) if wanted.resume else []
    seed = wanted.seed if wanted.seed is not None else secrets.randbelow(2**24)
    if before:
        seed = max(verdict.seed for verdict in before) + 1
    trials = max(0, wanted.trials - len(before))
    again = f"--executor {wanted.executor} --trials {trials} --seed {seed}"
    again += f" --fault '{wanted.fault}'" if wanted.fault else ""
    print(f"{trials} trials; the same again: ./dev chaos {again}")
    seeds = (number for number in count(seed) if wanted.fault in (None, *kinds_of(number, wanted.executor)))
    failed = 0
    for verdict in _verdicts(islice(seeds, trials), wanted.executor, wanted.seconds):
        record.append(path, verdict)
        failed += bool(verdict.violations)
        print(_line(verdict), flush=True)
        if failed >= FAILURES_MAX:
            break
    if wanted.write:
        record.write_page(record.read(path), wanted.executor)
    print(record.summary(record.read(path)))
    return 1 if failed else 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev chaos", description="Kill processes and servers; nothing may be lost.")
    parser.add_argument("--trials", type=int, default=20, help="how many (default 20)")
    parser.add_argument("--seed", type=int, help="of the first trial; a new one each time when left out")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no trial after so long")
    parser.add_argument("--executor", choices=("rq", "local", "thread"), default="rq")
    parser.add_argument("--fault", choices=KINDS, help="make only trials that draw a fault of this kind")
    parser.add_argument("--resume", action="store_true", help="count the trials that this commit has passed before")
    parser.add_argument("--webhooks", action="store_true", help="instead: kill at every place of the deliveries")
    parser.add_argument("--write", action="store_true", help="write docs/chaos.md from the trials of this commit")
    return parser.parse_args(arguments)


def _verdicts(seeds: Iterable[int], executor: str, seconds_max: float) -> Iterator[Verdict]:
    """One verdict for each seed. All trials share one stage until one fails: what is left of it is not trusted."""
    began = time.monotonic()
    remaining = list(seeds)[::-1]
    while remaining and time.monotonic() - began < seconds_max:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mainspring-chaos-", dir="/tmp")))
            installation = stack.enter_context(installed(folder, executor))
            while remaining and time.monotonic() - began < seconds_max:
                trial = Trial(installation, remaining.pop())
                verdict = trial.run()
                if verdict.violations:
                    _keep(installation, verdict)
                yield verdict
                if verdict.violations:
                    break
                installation.forget()


def _keep(installation: Installation, verdict: Verdict) -> None:
    """What is needed to find out why."""
    folder = record.FOLDER / f"failed-{verdict.seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in (*installation.folder.glob("*.log"), installation.folder / f"witness-{verdict.seed}"):
        if path.exists():
            shutil.copy2(path, folder)
    began = installation.timeline[0][0] if installation.timeline else 0.0
    timeline = [f"{at - began:7.2f}  {what}" for at, what in installation.timeline]
    text = "\n".join([*timeline, "", *verdict.violations, ""])
    (folder / "timeline.txt").write_text(text)
    print(f"seed {verdict.seed} failed: {folder}\n{text}")


def _line(verdict: Verdict) -> str:
    state = "FAILED" if verdict.violations else "ok"
    return f"{verdict.seed:9} {state:6} {verdict.seconds:6.2f} s  {'; '.join(verdict.faults)}"


if __name__ == "__main__":
    small_disk.enter_own_mounts("tests.chaos", sys.argv[1:])
    sys.exit(main(sys.argv[1:]))
