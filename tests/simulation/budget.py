"""How long the simulation runs. `./dev simulate` sets the variables; without them it is what fits into every build."""

import os

from hypothesis import HealthCheck, Phase, settings

__all__ = ["EXAMPLES", "budget"]

_IS_LONG_RUN = "MAINSPRING_SIMULATION_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("MAINSPRING_SIMULATION_EXAMPLES", "32"))
_IS_SHRINKING = os.environ.get("MAINSPRING_SIMULATION_SHRINK", "1") == "1"
"""Off = tell the first failure as it came, at once."""


def budget(examples: int) -> settings:
    """Settings of one machine. Its state, not its clock, decides when it is done, so no deadlines."""
    # Not `explain`: it traces every line, which makes a failure take minutes to be told.
    phases = [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if _IS_SHRINKING else [])]
    return settings(
        max_examples=examples,
        stateful_step_count=50,
        deadline=None,
        # The tests of a build try the same sequences until the code of the machine changes: what is red was red before
        # it landed. New sequences are the task of `./dev simulate`.
        derandomize=not _IS_LONG_RUN,
        phases=phases,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
