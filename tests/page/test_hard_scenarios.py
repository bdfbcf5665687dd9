"""Every scenario of hard_scenarios.mjs is a test: edits of two people, outages, many tabs, extreme sizes."""

import re
from pathlib import Path

import pytest

from tests.page.conftest import Scenario

PICTURES = "pictures_of_the_documentation"
"""Played by test_pictures.py, whose runs it shows."""
SOURCE = Path(__file__).with_name("hard_scenarios.mjs").read_text(encoding="utf-8")
SCENARIOS = [name for name in re.findall(r"^  async (\w+)\(", SOURCE, re.MULTILINE) if name != PICTURES]


@pytest.mark.page
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(play: Scenario, name: str) -> None:
    play(name)
