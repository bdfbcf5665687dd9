"""What a code of an error means, as a page for people."""

import re

from mainspring.errors import NotFound
from mainspring_api.document.docs_page import page_begin, shown
from mainspring_api.document.error_codes import ANSWER_CODES, FAULT_CODES
from mainspring_api.http.problems import TITLES

__all__ = ["problem_page"]

_LINK = re.compile(r"\[[^]]+\]\((\w+\.md)(?:#[\w-]+)?\)")


def problem_page(code: str) -> str:
    """The page of a code.

    Raises:
        NotFound: There is no such code.
    """
    return f'{page_begin(code)}{_told(code)}<p><a href="/docs">The whole API</a></p></header></body></html>'


def _told(code: str) -> str:
    if code in ANSWER_CODES:
        status, meaning = ANSWER_CODES[code]
        return f"<p>An answer with status {status}, {TITLES[status]}.</p><p>{_meaning(meaning)}.</p>"
    if code in FAULT_CODES:
        return f"<p>A fault in what was sent.</p><p>{_meaning(FAULT_CODES[code])}.</p>"
    raise NotFound(f"no error has the code '{code:.100}'")


def _meaning(text: str) -> str:
    """With the first letter of a sentence. What is a link in the repository is the name of a file here."""
    return shown(_LINK.sub(r"`docs/\1`", text[:1].upper() + text[1:]))
