"""Schedules that wait for the ends of other DAGs."""

import pytest

from tests.simulation.budget import EXAMPLES, budget
from tests.simulation.engines import SqliteFollowingMachine

TestFollowing = SqliteFollowingMachine.TestCase
TestFollowing.settings = budget(max(1, EXAMPLES // 8))
TestFollowing = pytest.mark.timeout(600 + 2 * EXAMPLES)(TestFollowing)
