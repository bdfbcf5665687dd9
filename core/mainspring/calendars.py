"""Calendars by name: the public holidays of a country or of a part of it, and the days on which a market is closed.

The installed library `holidays` defines the days. The first use of a calendar imports the library, which takes half a
second and 23 MiB once per process; most schedules need no calendar.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from mainspring.hints import did_you_mean

__all__ = ["calendar_hint", "days_off", "is_calendar"]


@lru_cache(maxsize=1024)
def days_off(name: str, year: int) -> Mapping[date, str]:
    """The days of a year in a calendar, each with its name, in English where the library has English names.

    Raises:
        ValueError: There is no such calendar.
    """
    import holidays

    if not is_calendar(name):
        raise ValueError(f"there is no calendar {name!r}")
    code, _, part = name.partition("-")
    calendar = getattr(holidays, code)
    # Without a language, that of the process's environment would be taken.
    language = "en_US" if "en_US" in calendar.supported_languages else calendar.default_language
    return dict(calendar(subdiv=part or None, years=year, expand=False, language=language))


def is_calendar(name: str) -> bool:
    """Whether the name is an ISO 3166 code of a country, a country with a part (`DE-BY`), or the code of a market."""
    code, dash, part = name.partition("-")
    return code in _parts() and (not dash or part in _parts()[code])


def calendar_hint(name: str) -> str:
    """A guess at the calendar that the user meant, for an unknown name."""
    country, _, part = name.partition("-")
    code = country.upper()
    if code not in _parts():
        examples = "use a country such as 'DE', a part of one such as 'DE-BY', or a market such as 'NYSE'"
        # Two letters are near to too many others.
        return (did_you_mean(code, _parts()) if len(code) > 2 else None) or examples
    codes = [f"{code}-{known_part}" for known_part in _parts()[code] if known_part.upper() == part.upper()]
    if codes or not part or not _parts()[code]:
        return f"did you mean {(codes or [code])[0]!r}?"
    return f"parts of {code}: {', '.join(_parts()[code])}"


@lru_cache(maxsize=1)
def _parts() -> Mapping[str, list[str]]:
    """Code of each country and market -> codes of its parts."""
    import holidays

    return holidays.list_supported_countries(include_aliases=False) | holidays.list_supported_financial()
