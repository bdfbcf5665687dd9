"""How the servers keep connections: requests are read without a thread, each within one deadline, under caps."""
