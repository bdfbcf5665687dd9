"""Params as the command line spells them."""

from mainspring_cli.client.conf_input import read_conf


def test_a_param_is_json_or_else_text_and_never_changes() -> None:
    params = ("n=2", "flag=true", "list=[1]", "word=x y", "version=1.10", "sha=1234e56", "id=123456789012345678901")
    assert read_conf(params, '{"n": 1, "kept": 1}') == {
        "n": 2,
        "flag": True,
        "list": [1],
        "word": "x y",
        "version": "1.10",
        "sha": "1234e56",
        "id": "123456789012345678901",
        "kept": 1,
    }
