"""Schedules and backfills under clocks that jump."""

import pytest

from tests.simulation.budget import EXAMPLES, budget
from tests.simulation.engines import SqliteTimeMachine

TestTime = SqliteTimeMachine.TestCase
TestTime.settings = budget(max(1, EXAMPLES // 2))
TestTime = pytest.mark.timeout(600 + 2 * EXAMPLES)(TestTime)
