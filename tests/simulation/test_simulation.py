"""The engine under everything that may happen to it. `./dev simulate` runs more of it; see docs/testing.md."""

import pytest

from tests.simulation.budget import EXAMPLES, budget
from tests.simulation.engines import SqliteMachine

TestOneScheduler = SqliteMachine.TestCase
TestOneScheduler.settings = budget(EXAMPLES)
TestOneScheduler = pytest.mark.timeout(600 + 2 * EXAMPLES)(TestOneScheduler)
