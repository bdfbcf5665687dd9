"""The first user of an instance, from the settings."""

from threading import Thread

from mainspring_api.http.first_user import ensure_first_user
from mainspring_api.settings import FirstUser
from tests.api.conftest import OpenApi
from tests.api.harness import Api

JANE = FirstUser(name="jane", password="a long password")


def names(api: Api) -> list[str]:
    return [row["username"] for row in api.get("/users")["users"]]


def test_the_first_user_is_an_administrator_who_can_log_in(open_api: OpenApi) -> None:
    with open_api("sqlite", first_user=JANE) as api:
        login = {"username": "jane", "password": JANE.password}
        token = api.post("/auth/token", login, 201, token=None)["access_token"]
        assert api.get("/me", token=token)["rights"] == [{"role": "admin", "grants": []}]
        assert JANE.password not in repr(JANE)


def test_a_later_start_changes_nothing(api: Api) -> None:
    ensure_first_user(api.database, JANE)
    api.post("/users", {"username": "joe", "password": "another password", "role": "viewer"}, 201)
    api.delete("/users/jane")
    for first in (JANE, FirstUser(name="joe", password="a third password"), None):
        ensure_first_user(api.database, first)
    assert names(api) == ["joe"]
    assert api.get("/users/joe")["role"] == "viewer"
    api.post("/auth/token", {"username": "joe", "password": "another password"}, 201, token=None)


def test_processes_that_start_at_once_make_one_user(api: Api) -> None:
    threads = [Thread(target=ensure_first_user, args=(api.database, JANE)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(api) == ["jane"]
