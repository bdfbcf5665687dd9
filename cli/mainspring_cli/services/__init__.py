"""Processes that make up a server: supervisor, API, execution API, home folder, database."""
