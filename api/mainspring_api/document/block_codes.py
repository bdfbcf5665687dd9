"""The table of the codes of explanations, for docs/observability.md.

`python -m mainspring_api.document.block_codes FILE` writes the table of that page again.
"""

import re
import sys
from pathlib import Path

from mainspring.blockers import CODES

__all__ = ["with_table"]

_TABLE = re.compile(r"(<!-- codes -->\n).*?(<!-- /codes -->)", re.DOTALL)


def with_table(page: str) -> str:
    """A page with an up-to-date table between its marks."""
    lines = ["| code | about | what it means | what `ids` names |", "|---|---|---|---|"]
    lines += [f"| `{code}` | {about} | {meaning} | {ids} |" for code, (about, meaning, ids) in CODES.items()]
    return _TABLE.sub(lambda match: "\n".join((match[1].rstrip(), *lines, match[2])), page)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
