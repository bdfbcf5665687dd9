"""Two schedulers on one PostgreSQL, under everything that may happen to them."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from mainspring_store.schema.migrate import migrate
from tests.services.postgres import PostgresServer
from tests.simulation.budget import EXAMPLES, budget
from tests.simulation.engines import PostgresMachine
from tests.simulation.world import UnreliableDatabase


@pytest.fixture(scope="module", autouse=True)
def database_of_all(postgres_server: PostgresServer) -> Iterator[None]:
    """One database, emptied for each example."""
    url = postgres_server.create_database()
    database = UnreliableDatabase.at(url)

    @event.listens_for(database.engine, "connect")
    def _wait_little(connection: object, _: object) -> None:
        # Both schedulers run in one thread: who must wait for the other would wait for ever.
        connection.execute("SET lock_timeout = '100ms'")  # type: ignore[attr-defined]
        connection.commit()  # type: ignore[attr-defined]

    migrate(database)
    PostgresMachine.database_of_all = database
    yield
    database.close()
    postgres_server.drop_database(url)


TestTwoSchedulers = PostgresMachine.TestCase
TestTwoSchedulers.settings = budget(max(1, EXAMPLES // 8))
TestTwoSchedulers = pytest.mark.timeout(600 + 2 * EXAMPLES)(TestTwoSchedulers)
