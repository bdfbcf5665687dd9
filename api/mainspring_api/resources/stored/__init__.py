"""Named values that definitions use: pools, variables, connections, secrets."""
