"""Addresses of receivers as people may see them."""

import pytest

from mainspring_store.state.receivers import url_without_secrets


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?token=canary&team=canary", "?token=***&team=***"),
        ("?canary", "?***"),
        ("?team=canary&canary", "?team=***&***"),
        ("?team=canary;canary=canary", "?team=***"),
        ("?=canary&&", "?=***"),
        ("?a%20b=", "?a%20b=***"),
        ("?", ""),
        ("", ""),
    ],
)
def test_values_and_pieces_without_a_name_are_masked_in_a_query(query: str, shown: str) -> None:
    assert url_without_secrets(f"https://example.test/path{query}") == f"https://example.test/path{shown}"
