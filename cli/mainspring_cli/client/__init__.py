"""Commands that speak to a server: session, polling, log output, exit codes."""
