"""Long runs of the simulation: `./dev simulate --examples 5000 [--seed N]`. A failure says how to see it again."""

import argparse
import os
import secrets
import subprocess
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev simulate", description="Run the engine under simulated faults.")
    parser.add_argument("--examples", type=int, default=1000, help="sequences of up to 50 steps to try (default 1000)")
    parser.add_argument("--seed", type=int, help="try the same sequences again; a new seed each time when left out")
    wanted = parser.parse_args(arguments)
    seed = secrets.randbelow(2**32) if wanted.seed is None else wanted.seed
    again = f"./dev simulate --examples {wanted.examples} --seed {seed}"
    print(f"simulating; the same again: {again}", flush=True)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--tb=short", f"--hypothesis-seed={seed}", "tests/simulation"],
        env={**os.environ, "MAINSPRING_SIMULATION_EXAMPLES": str(wanted.examples)},
    )
    if ended.returncode:
        print(f"failed; the same again: {again}")
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
