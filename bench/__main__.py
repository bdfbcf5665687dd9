"""`python -m bench [NAME ...]`: run these benchmarks, or all of them."""

import importlib
import pkgutil
import sys

import bench


def main() -> None:
    known = sorted(
        module.name for module in pkgutil.iter_modules(bench.__path__) if not module.ispkg and module.name != "__main__"
    )
    names = [argument for argument in sys.argv[1:] if not argument.startswith("--")] or known
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"unknown benchmark: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    for name in names:
        print(f"== {name}", flush=True)
        importlib.import_module(f"bench.{name}").main()


main()
