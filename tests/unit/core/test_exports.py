"""The modules of the domain: each can be imported first, says what it exports, and exports what it says."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import mainspring
from tests.services.environment import child_environment

MODULES = sorted(
    module.name for module in pkgutil.walk_packages(mainspring.__path__, "mainspring.") if "__" not in module.name
)


@pytest.mark.parametrize("name", ["mainspring", *MODULES])
def test_a_module_exports_what_it_says(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__)
    for one in module.__all__:
        assert hasattr(module, one)


def test_every_module_can_be_the_first_that_is_imported() -> None:
    program = (
        "import importlib, sys\n"
        f"for name in {MODULES!r}:\n"
        "    for loaded in [one for one in sys.modules if one.partition('.')[0] == 'mainspring']:\n"
        "        del sys.modules[loaded]\n"
        "    importlib.import_module(name)\n"
    )
    subprocess.run([sys.executable, "-c", program], env=child_environment(), check=True, timeout=60)


def test_the_package_re_exports_what_travels_between_the_parts() -> None:
    homes = [importlib.import_module(f"mainspring.{name}") for name in ("attempts", "errors", "states")]
    assert sorted(mainspring.__all__) == sorted(name for home in homes for name in home.__all__)
    for home in homes:
        for name in home.__all__:
            assert getattr(mainspring, name) is getattr(home, name)


def test_importing_the_package_stays_cheap() -> None:
    program = (
        "import sys, mainspring\n"
        "heavy = {'cel', 'yaml', 'jsonschema_rs', 'cronsim', 'uuid_utils', 'json', 'mainspring.definition'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], env=child_environment(), check=True, timeout=60)
