"""Questions of the page: each answers a whole panel in a few statements, however many DAGs and runs there are."""
