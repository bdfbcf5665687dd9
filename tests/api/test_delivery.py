"""Answers that the caller has are not sent again, large ones are compressed."""

import gzip

import orjson
import pytest

from mainspring_api.http.response_body import GZIP_BYTES_MIN
from tests.api.harness import SHELL, Api


@pytest.mark.parametrize("path", ["/dags/etl", "/dags/etl/details", "/dags/etl/definition", "/dags/etl/dagRuns/r1"])
def test_what_has_not_changed_is_not_sent_again(sqlite_api: Api, path: str) -> None:
    sqlite_api.save()
    sqlite_api.trigger(run_id="r1")
    first = sqlite_api.request("GET", path)
    tag = first.headers["ETag"]
    again = sqlite_api.request("GET", path, headers={"If-None-Match": tag})
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert sqlite_api.request("GET", path, headers={"If-None-Match": 'W/"another"'}).body == first.body


def test_what_has_changed_is_sent(sqlite_api: Api) -> None:
    sqlite_api.save()
    sqlite_api.trigger(run_id="r1")
    tag = sqlite_api.request("GET", "/dags/etl/dagRuns/r1").headers["ETag"]
    sqlite_api.patch("/dags/etl/dagRuns/r1", {"state": "failed"})
    changed = sqlite_api.request("GET", "/dags/etl/dagRuns/r1", headers={"If-None-Match": tag})
    assert (changed.status, changed.json["state"]) == (200, "failed")


def test_other_answers_are_not_to_be_kept(sqlite_api: Api) -> None:
    answer = sqlite_api.request("GET", "/dags")
    assert (answer.headers["Cache-Control"], answer.headers.get("ETag")) == ("no-store", None)


def test_large_answers_are_compressed_for_who_asks(sqlite_api: Api) -> None:
    sqlite_api.save(tasks={f"task_{number}": SHELL for number in range(400)})
    path = "/api/v2/dags/etl/tasks"
    client = sqlite_api.app.test_client()
    headers = {"Authorization": f"Bearer {sqlite_api.token}"}
    plain = client.get(path, headers=headers)
    packed = client.get(path, headers={**headers, "Accept-Encoding": "gzip, deflate"})
    refused = client.get(path, headers={**headers, "Accept-Encoding": "gzip;q=0"})
    assert len(plain.data) > GZIP_BYTES_MIN
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 5
    assert int(packed.headers["Content-Length"]) == len(packed.data)
    assert orjson.loads(gzip.decompress(packed.data)) == orjson.loads(plain.data)
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in refused.headers


def test_small_answers_are_not_compressed(sqlite_api: Api) -> None:
    answer = sqlite_api.request("GET", "/dags", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
