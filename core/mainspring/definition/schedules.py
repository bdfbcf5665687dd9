"""Faults of a schedule beyond its shape: cron lines that are never due, unknown zones."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from mainspring.calendars import calendar_hint, is_calendar
from mainspring.definition.model import MatchRule, ScheduleAlias, UpstreamEnd
from mainspring.errors import Problem
from mainspring.pointers import join_pointer

__all__ = ["CRON_ALIASES", "names_date", "schedule_problems", "seconds_first", "spread_line"]

CRON_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}
"""Airflow's names for cron lines."""
_SPREAD = re.compile(r"H(?:\((\d+)-(\d+)\))?(?:/(\d+))?")
_BOUNDS = ((0, 59, 59), (0, 23, 23), (1, 28, 31), (1, 12, 12), (0, 6, 7), (0, 59, 59))
"""What `H` stands for in each field: the least and the greatest value, and the greatest of a range. Every month has 28
days."""


def schedule_problems(schedule: Any, dag_id: str | None) -> Iterator[Problem]:
    """The problems of a normalised schedule of a DAG, with pointers within it."""
    if isinstance(schedule, str):
        if schedule not in tuple(ScheduleAlias):
            yield from _cron_problem("", schedule)
    elif isinstance(schedule, dict):
        crons = schedule.get("cron", [])
        if isinstance(crons, str):
            yield from _cron_problem("/cron", crons)
        else:
            for position, cron in enumerate(crons):
                yield from _cron_problem(join_pointer("/cron", position), cron)
        if "timezone" in schedule and not _is_zone(schedule["timezone"]):
            message = f"there is no time zone {schedule['timezone']!r}"
            hint = "use an IANA name such as 'Europe/Berlin'"
            yield Problem(pointer="/timezone", message=message, hint=hint, code="unknown_timezone")
        for position, text in enumerate(schedule.get("calendar", {}).get("exclude", ())):
            yield from _excluded_problem(join_pointer("/calendar/exclude", position), text)
        yield from _upstream_problems(schedule, dag_id)


def names_date(item: str) -> bool:
    """Whether an item of `calendar.exclude` is a date; else it names a calendar."""
    return item[:1].isdigit()


def spread_line(line: str, dag_id: str) -> str:
    """A cron line in which a number stands for each `H`, as in Jenkins: `H` = any value of the field, `H(0-29)` = one
    of a range, `H/15` = every 15th, from any. DAG and field determine the number, so it is the same at all times.

    A field of another form stays as it is.
    """
    fields = line.split()
    if "H" not in line or len(fields) > len(_BOUNDS):
        return line
    return " ".join(_spread_field(text, *_BOUNDS[index], f"{dag_id} {index}") for index, text in enumerate(fields))


def _spread_field(text: str, first: int, last: int, last_of_range: int, name: str) -> str:
    match = _SPREAD.fullmatch(text)
    if match is None:
        return text
    low, high, step = (None if part is None else int(part) for part in match.groups())
    low, high = first if low is None else low, last if high is None else high
    if not first <= low <= high <= last_of_range or step == 0:
        return text
    share = int.from_bytes(sha256(name.encode()).digest()[:4])
    if step is None:
        return str(low + share % (high - low + 1))
    begin = low + share % min(step, high - low + 1)
    return f"{begin}-{high}/{step}"


def seconds_first(line: str) -> str:
    """A cron line as cronsim reads it: of six fields, the seconds stand first there, and last here, as in Airflow."""
    *fields, seconds = line.split()
    return " ".join([seconds, *fields]) if len(fields) == 5 else line


def _cron_problem(pointer: str, text: str) -> Iterator[Problem]:
    from cronsim import CronSim, CronSimError

    hint = (
        "write five fields such as '30 2 * * *', a sixth field for seconds at the end, or one of "
        f"{', '.join((*CRON_ALIASES, *ScheduleAlias))}"
    )
    line = spread_line(CRON_ALIASES.get(text, text), "")
    message = None
    if len(line.split()) not in (5, 6):
        message = f"{text!r} is not a cron line of five or six fields"
    else:
        try:
            next(CronSim(seconds_first(line), datetime(2026, 1, 1, tzinfo=UTC)))
        except CronSimError as exc:
            message = f"{text!r} is not a cron line: {exc}"
        except StopIteration:
            message = f"{text!r} never comes due"
    if message:
        yield Problem(pointer=pointer, message=message, hint=hint, code="invalid_cron")


def _upstream_problems(schedule: Mapping[str, Any], dag_id: str | None) -> Iterator[Problem]:
    """Of a schedule that waits for other DAGs. Cycles over several DAGs are known to the server alone."""
    places: dict[tuple[Any, Any], int] = {}
    for position, item in enumerate(schedule.get("after", ())):
        at = join_pointer("/after", position)
        if dag_id is not None and item.get("dag") == dag_id:
            message = f"dag '{dag_id}' would wait for itself"
            hint = "name other DAGs; '@continuous' makes one run after another"
            yield Problem(pointer=f"{at}/dag", message=message, hint=hint, code="dag_cycle")
        key = (item.get("dag"), item.get("state", UpstreamEnd.SUCCESS))
        if None not in key and places.setdefault(key, position) != position:
            message = f"the end {key[1]!r} of dag {key[0]!r} is listed twice"
            yield Problem(pointer=at, message=message, hint="leave one out", code="duplicate_id")
    if schedule.get("match") == MatchRule.ANY and "within" in schedule:
        message = "'within' means nothing beside 'match: any', by which each end makes a run alone"
        yield Problem(pointer="/within", message=message, hint="leave it out", code="exclusive_fields")
    if "after" in schedule and "jitter" in schedule:
        message = "'jitter' spreads instants, and a schedule with 'after' has none"
        yield Problem(pointer="/jitter", message=message, hint="leave it out", code="exclusive_fields")


def _excluded_problem(pointer: str, text: str) -> Iterator[Problem]:
    if names_date(text):
        if not _is_date(text):
            yield Problem(pointer=pointer, message=f"there is no date {text!r}", code="invalid_value")
    elif not is_calendar(text):
        message = f"there is no calendar {text!r}"
        yield Problem(pointer=pointer, message=message, hint=calendar_hint(text), code="unknown_calendar")


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (ValueError, OSError):  # no such name, a path out of the database, a folder
        return False
    except KeyError:  # ZoneInfoNotFoundError
        return False
    return True
