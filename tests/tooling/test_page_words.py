"""The page has words in Korean for each code that the documentation lists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NO_ANSWER = {"offline"}
"""Codes of the page itself: no answer came."""


def test_each_code_of_an_error_has_korean_words() -> None:
    listed = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8").partition("<!-- answers -->")[2]
    codes = set(re.findall(r"^\| `(\w+)` \| \d{3} \|", listed, re.MULTILINE))
    assert len(codes) > 20
    words = dict(
        re.findall(r'^  (\w+): "(.+)",$', (ROOT / "ui/src/i18n/ko/errors.ts").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert words.keys() - NO_ANSWER == codes
    assert all(re.search("[가-힣]", sentence) for sentence in words.values())


def test_each_code_of_a_single_fault_has_korean_words() -> None:
    documented = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    table = documented.partition("<!-- faults -->")[2].partition("<!-- /faults -->")[0]
    codes = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert len(codes) > 60
    source = (ROOT / "ui/src/i18n/ko/faults.ts").read_text(encoding="utf-8")
    words = dict(re.findall(r'^  (\w+): "(.+)",$', source, re.MULTILINE))
    assert words.keys() == codes
    assert all(re.search("[가-힣]", sentence) for sentence in words.values())
