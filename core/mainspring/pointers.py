"""RFC 6901 JSON pointers."""

__all__ = ["join_pointer", "split_pointer"]


def join_pointer(pointer: str, *keys: str | int) -> str:
    """`pointer` one or more steps deeper."""
    return pointer + "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in keys)


def split_pointer(pointer: str) -> list[str]:
    """The keys of a pointer, unescaped; a list index is a key of digits."""
    return [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
