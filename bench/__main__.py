"""`./dev bench [NAME ...]`: run these benchmarks, or all of them."""

import argparse
import importlib
import pkgutil
import sys

import bench

OPTIONAL = {"peers": "peers.chains"}
"""Name -> module. They run by name only, because they install what they compare with."""


def main() -> None:
    own = sorted(
        module.name for module in pkgutil.iter_modules(bench.__path__) if not module.ispkg and module.name != "__main__"
    )
    known = [*own, *OPTIONAL]
    names = _parsed(known).names or own
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"unknown benchmark: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    failed = False
    for name in names:
        print(f"== {name}", flush=True)
        failed |= bool(importlib.import_module(f"bench.{OPTIONAL.get(name, name)}").main())
    sys.exit(failed)


def _parsed(known: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description="Measure what is promised.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; all but {', '.join(OPTIONAL)} if left out"
    )
    parser.add_argument("--full", action="store_true", help="api: with 200,000 runs stored")
    # The benchmarks read the options from the command line.
    parser.add_argument("--deletion", action="store_true", help="operations: the deletion of a DAG alone")
    return parser.parse_args()


main()
