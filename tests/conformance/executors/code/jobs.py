"""Callables that the conformance suite runs."""

import logging
import sys


def one():
    return 1


def add(left, right):
    return left + right


def talk(text):
    print(text)
    print("to stderr", file=sys.stderr)
    logging.getLogger("jobs").info("through logging")
