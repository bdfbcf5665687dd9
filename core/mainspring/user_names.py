"""What the name and the password of a user may be."""

import re

__all__ = ["PASSWORD_CHARS_MAX", "PASSWORD_CHARS_MIN", "USER_NAME", "USER_NAME_RULE"]

USER_NAME = re.compile(r"[A-Za-z0-9_.@+-]{1,250}", re.ASCII)
USER_NAME_RULE = "must be 1 to 250 of the characters A-Z a-z 0-9 _ . @ + -"
PASSWORD_CHARS_MIN, PASSWORD_CHARS_MAX = 8, 1000
