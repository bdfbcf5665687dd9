"""Questions about what is stored, for the API. A question never writes.

Answers are plain dicts and frozen dataclasses; no session, connection or row leaves this package.
"""
