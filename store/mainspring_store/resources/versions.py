"""A cache of definitions by version."""

from collections import OrderedDict
from threading import Lock

from sqlalchemy import bindparam, select

from mainspring.definition import load_stored
from mainspring.definition.model import Definition
from mainspring.errors import Conflict, NotFound
from mainspring_store.database.transactions import Database
from mainspring_store.queries.dags import dag_not_found, get_version, stored_document
from mainspring_store.state.runs import VersionRef
from mainspring_store.tables import dag

__all__ = ["Versions"]

_CACHED_TASKS_MAX = 50_000


class Versions:
    """A cache of definitions by version. Versions are immutable, so cached definitions are never stale.

    The total number of tasks bounds the cache, because tasks take most of the memory. Safe to use from many threads.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache: OrderedDict[int, Definition] = OrderedDict()
        self._tasks = 0
        self._lock = Lock()

    def current(self, dag_id: str) -> VersionRef:
        """The current version of a DAG.

        Raises:
            NotFound: There is no such DAG.
        """
        with self._database.read() as connection:
            version_id = connection.scalar(_CURRENT_ID, {"dag_id": dag_id})
        if version_id is None:
            raise dag_not_found(dag_id)
        if version_id == 0:
            raise _never_saved(dag_id)
        return VersionRef(id=version_id, definition=self.definition(version_id))

    def numbered(self, dag_id: str, version_number: int) -> VersionRef:
        """A saved version of a DAG.

        Raises:
            NotFound: There is no such DAG or version.
            Conflict: The version was sent with a run and not saved.
        """
        version = get_version(self._database, dag_id, version_number)
        if version["is_inline"]:
            raise Conflict(
                f"version {version_number} of dag '{dag_id}' was not saved and belongs to its runs; restore it first"
            )
        return VersionRef(id=version["id"], definition=self.definition(version["id"]))

    def for_new_run(self, dag_id: str) -> VersionRef:
        """The current version of a DAG that may start runs.

        Raises:
            NotFound: There is no such DAG, or its bundle no longer has it.
        """
        with self._database.read() as connection:
            row = connection.execute(_CURRENT_STATE, {"dag_id": dag_id}).one_or_none()
        if row is None:
            raise dag_not_found(dag_id)
        if row.version_id == 0:
            raise _never_saved(dag_id)
        if row.is_stale:
            raise NotFound(f"dag '{dag_id}' is stale: bundle '{row.bundle_name}' no longer has it; save it again")
        return VersionRef(id=row.version_id, definition=self.definition(row.version_id))

    def definition(self, version_id: int) -> Definition:
        """The definition of a version.

        Raises:
            NotFound: There is no such version, because its DAG was deleted.
        """
        with self._lock:
            cached = self._cache.get(version_id)
            if cached is not None:
                self._cache.move_to_end(version_id)
                return cached
        with self._database.read() as connection:
            document = stored_document(connection, version_id)
        if document is None:
            raise NotFound("the DAG was deleted at this moment")
        definition = load_stored(document)
        self.keep(VersionRef(id=version_id, definition=definition))
        return definition

    def keep(self, version: VersionRef) -> None:
        """Put a version into the cache."""
        with self._lock:
            if version.id in self._cache:
                return
            self._cache[version.id] = version.definition
            self._tasks += len(version.definition.tasks)
            while self._tasks > _CACHED_TASKS_MAX and len(self._cache) > 1:
                _, oldest = self._cache.popitem(last=False)
                self._tasks -= len(oldest.tasks)


def _never_saved(dag_id: str) -> NotFound:
    return NotFound(f"dag '{dag_id}' has runs of definitions that were not saved; save one to run it by name")


_CURRENT_ID = select(dag.c.version_id).where(dag.c.dag_id == bindparam("dag_id"))
_CURRENT_STATE = select(dag.c.version_id, dag.c.is_stale, dag.c.bundle_name).where(dag.c.dag_id == bindparam("dag_id"))
