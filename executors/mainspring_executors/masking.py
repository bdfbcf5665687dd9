"""Keeps secrets out of logs and messages. Best effort, and no boundary: a task that wants to leak a secret can.

The masker finds a secret as plain text, as base64 (at any place in the encoded text), URL-encoded, JSON-escaped, and
each line of a secret of several lines. It ignores values and lines shorter than `SECRET_CHARS_MIN`: masking these would
blot out half of every log without protecting a secret.
"""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

__all__ = ["MASK", "SECRET_CHARS_MIN", "Masker"]

MASK = b"***"
SECRET_CHARS_MIN = 6


class Masker:
    """Replaces secrets in a stream of bytes by `MASK`, also a secret that is split over several pieces.

    Holds back only an end of the stream that may be the beginning of a secret.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
        # Longest first: when a secret is the beginning of another secret, the longer secret is masked whole.
        self._pattern = _any_of(self._forms)
        self._beginning = _any_of({form[:1] for form in self._forms})
        """Any byte that a secret begins with."""
        self._longest = len(self._forms[0]) if self._forms else 0
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Append `data` to the stream; returns the masked bytes that are safe to show now."""
        if not self._forms:
            return data
        text = self._held + data
        if not any(form in text for form in self._forms):
            safe = self._safe_length(text, 0)
            self._held = text[safe:]
            return text[:safe]
        return self._replace(text)

    def flush(self) -> bytes:
        """End the stream; returns the bytes held back."""
        rest, self._held = self._held, b""
        return self._pattern.sub(MASK, rest)

    def mask(self, text: str) -> str:
        """Mask a whole text, independent of the stream."""
        return self._pattern.sub(MASK, text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")

    def _replace(self, text: bytes) -> bytes:
        pieces: list[bytes] = []
        position, safe = 0, self._safe_length(text, 0)
        while True:
            match = self._pattern.search(text, position)
            if match is None or match.start() >= safe:
                break
            pieces += (text[position : match.start()], MASK)
            position = match.end()
            if position > safe:
                safe = self._safe_length(text, position)
        pieces.append(text[position:safe])
        self._held = text[safe:]
        return b"".join(pieces)

    def _safe_length(self, text: bytes, start: int) -> int:
        """Where the first end of `text` begins that more bytes could turn into a secret, or into a longer secret."""
        first = max(start, len(text) - self._longest + 1)
        for match in self._beginning.finditer(text, first):
            tail = text[match.start() :]
            if any(len(tail) < len(form) and form.startswith(tail) for form in self._forms):
                return match.start()
        return len(text)


def _any_of(words: Iterable[bytes]) -> re.Pattern[bytes]:
    """A pattern of the first of `words` that matches; matches nothing when `words` is empty."""
    return re.compile(b"|".join(map(re.escape, words)) or rb"(?!)")


def _forms(secret: str) -> set[bytes]:
    """Every spelling of `secret` that the masker replaces."""
    forms: set[bytes] = set()
    for text in {secret, *secret.splitlines()}:
        if len(text) < SECRET_CHARS_MIN:
            continue
        raw = text.encode("utf-8", "surrogatepass")
        forms.add(raw)
        forms.update(_base64_forms(raw))
        escaped = (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
        in_errors = (repr(text)[1:-1], ascii(text)[1:-1], repr(raw)[2:-1])  # errors of Python show values so
        quoted = (quote(raw), quote(raw, safe=""), quote_plus(raw))
        lower = tuple(re.sub(r"%..", lambda match: match[0].lower(), form) for form in quoted)
        forms.update(form.encode("utf-8", "surrogatepass") for form in (*escaped, *in_errors, *quoted, *lower))
    return forms


def _base64_forms(raw: bytes) -> set[bytes]:
    """The characters of base64 text that depend on `raw` alone, for each of the three places it may start at."""
    forms = set()
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + raw)
        # Leave out characters that also encode bits of a neighbouring byte: they differ from text to text.
        first = -(-shift * 8 // 6)
        last = (shift + len(raw)) * 8 // 6
        core = encoded[first:last]
        forms |= {core, core.translate(bytes.maketrans(b"+/", b"-_"))}
    return {form for form in forms if len(form) >= SECRET_CHARS_MIN}
