"""A module whose import takes long enough for another thread to look at it half-way."""

import time

time.sleep(0.2)


def answer():
    return 42
