"""The engine under everything that may happen to it. `./dev simulate` runs more of it; see docs/testing.md."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.simulation.machine import SqliteMachine

EXAMPLES = int(os.environ.get("MAINSPRING_SIMULATION_EXAMPLES", "200"))
PHASES = [Phase.explicit, Phase.generate] + ([] if os.environ.get("NOSHRINK") else [Phase.reuse, Phase.shrink])

TestOneScheduler = SqliteMachine.TestCase
TestOneScheduler.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=50,
    deadline=None,
    # Not `explain`: it traces every line, which makes a failure take minutes to be told.
    phases=PHASES,
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
TestOneScheduler = pytest.mark.timeout(600 + EXAMPLES)(TestOneScheduler)
