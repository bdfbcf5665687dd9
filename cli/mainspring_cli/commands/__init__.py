"""The commands that speak to a server, a module for each group."""
