"""Migrations and database roles."""
