"""One request: authentication, permissions, limits, idempotency, validation, answers and problems."""
