"""What every test may use."""

pytest_plugins = ["tests.services.plugin", "tests.services.databases"]
