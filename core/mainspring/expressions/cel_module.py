"""The CEL library without its command line."""

import sys
from types import ModuleType

__all__ = ["load_cel"]

_COMMAND_LINE = "cel.cli"


def load_cel() -> ModuleType:
    """The module `cel`, imported when first needed.

    The package imports its command line, which no expression needs, and with it a terminal toolkit: 400 modules, which
    take longer than the rest of `mainspring dags lint`. An empty module stands in for it during the import.
    """
    if "cel" in sys.modules or _COMMAND_LINE in sys.modules:
        import cel

        return cel
    sys.modules[_COMMAND_LINE] = ModuleType(_COMMAND_LINE)
    try:
        import cel
    finally:
        sys.modules.pop(_COMMAND_LINE, None)
    return cel
