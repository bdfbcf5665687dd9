"""Every scenario of scenarios.mjs is a test."""

import re
from pathlib import Path

import pytest

from tests.page.conftest import Scenario

SOURCE = Path(__file__).with_name("scenarios.mjs").read_text(encoding="utf-8")
SCENARIOS = re.findall(r"^  async (\w+)\(", SOURCE, re.MULTILINE)


def test_the_scenarios_are_read() -> None:
    assert len(SCENARIOS) >= 12


@pytest.mark.page
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(play: Scenario, name: str) -> None:
    play(name)
