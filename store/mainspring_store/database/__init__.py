"""Connections, transactions, types, notifications and leases on SQLite and PostgreSQL."""
