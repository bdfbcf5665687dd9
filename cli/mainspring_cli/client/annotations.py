"""The escapes of workflow commands of GitHub Actions, so that a text cannot give commands."""

__all__ = ["escaped", "escaped_property"]


def escaped(text: str) -> str:
    """The text of a command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escaped_property(text: str) -> str:
    """The value of a property of a command."""
    return escaped(text).replace(":", "%3A").replace(",", "%2C")
