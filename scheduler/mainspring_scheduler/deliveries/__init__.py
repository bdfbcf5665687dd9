"""What leaves the installation: events as webhooks, callbacks and messages to people."""
