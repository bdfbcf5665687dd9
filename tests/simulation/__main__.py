"""Long runs of the simulation: `./dev simulate --examples 5000 [--seconds N] [--seed N] [--first N]`.

They go in pieces, each with a seed of its own that follows from the first, so that a run may be ended at any time and
gone on with later. A failure says how to see it again.
"""

import argparse
import secrets
import subprocess
import sys
from collections.abc import Sequence
from time import monotonic

from tests.services.environment import child_environment

__all__ = ["main"]

PIECE = 250
"""Examples of one piece: about a minute."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev simulate", description="Run the engine under simulated faults.")
    parser.add_argument("--examples", type=int, default=1000, help="sequences of up to 50 steps to try (default 1000)")
    parser.add_argument("--seconds", type=float, help="begin no further piece after so long; else all examples are run")
    parser.add_argument("--seed", type=int, help="try the same sequences again; a new seed each time when left out")
    parser.add_argument("--first", type=int, default=0, help=f"go on from this example, a multiple of {PIECE}")
    wanted = parser.parse_args(arguments)
    seed = secrets.randbelow(2**32) if wanted.seed is None else wanted.seed
    print(f"seed {seed}, commit {_commit()}", flush=True)
    begun, done, is_red = monotonic(), wanted.first, False
    while done < wanted.examples and not is_red:
        if wanted.seconds is not None and monotonic() - begun > wanted.seconds:
            break
        count = min(PIECE, wanted.examples - done)
        is_red = not _piece(seed + done // PIECE, count)
        if is_red:
            print(f"failed; the same again: ./dev simulate --seed {seed} --first {done} --examples {done + count}")
        else:
            done += count
            print(f"{done} of {wanted.examples} ran clean, {monotonic() - begun:.0f} s", flush=True)
    ran = done - wanted.first
    print(
        f"{ran} sequences with one scheduler, {ran // 8} with two and {ran // 2} of schedules ran clean, "
        f"of {wanted.examples}, in {monotonic() - begun:.0f} s; seed {seed}, commit {_commit()}"
    )
    if not is_red and done < wanted.examples:
        print(f"to go on: ./dev simulate --seed {seed} --first {done} --examples {wanted.examples}")
    return 1 if is_red else 0


def _piece(seed: int, examples: int) -> bool:
    """Whether all of them ran clean."""
    line = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=short", "--show-capture=no"]
    ended = subprocess.run(
        [*line, f"--hypothesis-seed={seed}", "tests/simulation"],
        env=child_environment(MAINSPRING_SIMULATION_EXAMPLES=str(examples)),
        stdout=subprocess.PIPE,
        text=True,
    )
    if ended.returncode:
        print(ended.stdout)
    return ended.returncode == 0


def _commit() -> str:
    told = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], env=child_environment(), capture_output=True, text=True
    )
    return told.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
