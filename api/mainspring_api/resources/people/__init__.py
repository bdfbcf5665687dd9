"""Users, tokens and login."""
