"""Very many deliveries to a hook at once: what is let in, started, kept and logged stays within the bounds."""

import logging
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Table, func, select

from mainspring_api.http.limits import RateLimit
from mainspring_store.access.rate_limits import Bucket
from mainspring_store.tables import audit_event, dag_run, hook_delivery, hook_identity
from tests.api.harness import Answer, Api
from tests.api.hook_senders import Sender, make_hook

TIMES = 15
"""Of each kind of delivery."""
SIGNED_MAX, REFUSED_MAX = 8, 15


def limit(api: Api, name: str, size: int) -> RateLimit:
    """A bucket that does not fill again during the test."""
    return RateLimit(name, api.database, Bucket(name=name, per_second=0.001, size=size))


def send(sender: Sender, kind: str, number: int) -> tuple[str, int, Answer]:
    secret = "x" * 32 if kind == "wrong" else None
    path = f"/hooks/mh_unknown_{number}" if kind == "unknown" else None
    headers = {"x-github-delivery": str(number)}
    return kind, number, sender.send({"after": number}, headers=headers, secret=secret, path=path)


def rows(api: Api, table: Table) -> int:
    with api.database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_a_flood_starts_keeps_and_logs_no_more_than_the_bounds(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    api.save()
    sender = make_hook(api)
    ctx = api.app.extensions["mainspring"]
    limits = replace(
        ctx.limits,
        hook_deliveries=limit(api, "hook_deliveries", SIGNED_MAX),
        refused_deliveries=limit(api, "refused_deliveries", REFUSED_MAX),
    )
    api.app.extensions["mainspring"] = replace(ctx, limits=limits)
    audited = rows(api, audit_event)
    flood = [(kind, number) for number in range(TIMES) for kind in ("new", "repeated", "wrong", "unknown")]
    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda each: send(sender, *each), flood))
        ctx.refused_deliveries.write()

    statuses = Counter(
        ("signed" if kind in ("new", "repeated") else "refused", each.status) for kind, _, each in answers
    )
    assert statuses == {
        ("signed", 202): SIGNED_MAX,
        ("signed", 429): 2 * TIMES - SIGNED_MAX,
        ("refused", 404): REFUSED_MAX,
        ("refused", 429): 2 * TIMES - REFUSED_MAX,
    }
    assert all("Retry-After" in each.headers for _, _, each in answers if each.status == 429)
    started = {(number, each.json["dag_run_id"]) for _, number, each in answers if each.status == 202}
    assert rows(api, dag_run) == len(started) == len({number for number, _ in started})
    assert rows(api, hook_identity) == 2 * len(started), "an id and a body of each"
    assert rows(api, audit_event) - audited == SIGNED_MAX
    outcomes = Counter(each["outcome"] for each in api.get(f"/hooks/{sender.id}/deliveries")["deliveries"])
    assert outcomes["run"] == len(started)
    assert outcomes["run"] + outcomes["duplicate"] == SIGNED_MAX
    assert outcomes["refused"] <= 11
    assert rows(api, hook_delivery) == outcomes.total()
    assert len(caplog.records) <= 11
    threads = [thread for thread in threading.enumerate() if thread.name == "refused-deliveries"]
    assert len(threads) <= 1
