"""Users, tokens, roles, quotas, rate limits, idempotency keys and the audit log."""
