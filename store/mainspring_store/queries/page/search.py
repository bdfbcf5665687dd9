"""Search by names: DAGs, tasks of current versions, and runs."""

from typing import Any

from sqlalchemy import ColumnElement, Select, Text, case, func, or_, select, text, type_coerce

from mainspring.states import RunType
from mainspring_store.database.transactions import Database
from mainspring_store.queries.listing import Seen, is_seen
from mainspring_store.tables import dag, dag_run, dag_version

__all__ = ["find_dags", "find_runs", "find_versions_with"]


def find_dags(database: Database, words: str, *, limit: int, seen: Seen | None) -> list[Any]:
    """Rows of `dag_id` and `display_name` that contain the words in any letter case; those that begin so first."""
    begins = or_(_begins(dag.c.dag_id, words), _begins(dag.c.display_name, words))
    contains = or_(dag.c.dag_id.icontains(words, autoescape=True), dag.c.display_name.icontains(words, autoescape=True))
    statement = (
        select(dag.c.dag_id, dag.c.display_name)
        .where(contains, ~dag.c.is_stale)
        .order_by(case((begins, 0), else_=1), dag.c.dag_id)
        .limit(limit)
    )
    with database.read() as connection:
        return list(connection.execute(_narrowed(statement, dag.c.dag_id, seen)))


def find_versions_with(database: Database, words: str, *, limit: int, seen: Seen | None) -> list[Any]:
    """Rows of `dag_id` and `version_id` whose current definition contains the words anywhere, by `dag_id`."""
    statement = (
        select(dag.c.dag_id, dag.c.version_id)
        .join(dag_version, dag_version.c.id == dag.c.version_id)
        .where(type_coerce(dag_version.c.document, Text).icontains(words, autoescape=True), ~dag.c.is_stale)
        .order_by(dag.c.dag_id)
        .limit(limit)
    )
    with database.read() as connection:
        return list(connection.execute(_narrowed(statement, dag.c.dag_id, seen)))


def find_runs(database: Database, words: str, *, limit: int, seen: Seen | None) -> list[Any]:
    """Rows of `dag_id` and `run_id` whose id begins with the words, also after the type of the run; latest ids first.

    The letter case counts.
    """
    rows: list[Any] = []
    with database.read() as connection:
        for prefix in (words, *(f"{kind}__{words}" for kind in RunType)):
            statement = _runs_with(prefix, is_sqlite=database.is_sqlite).limit(limit - len(rows))
            rows += connection.execute(_narrowed(statement, dag_run.c.dag_id, seen))
            if len(rows) >= limit:
                break
    return rows


def _runs_with(prefix: str, *, is_sqlite: bool) -> Select[Any]:
    """Runs by the prefix of the id, through the index of ids, in every collation of the database."""
    run_id = dag_run.c.run_id
    # Ids of runs are ASCII: no id begins with the prefix and goes on behind it.
    after = prefix + "\x7f"
    statement = select(dag_run.c.dag_id, run_id)
    if is_sqlite:
        return statement.where(run_id >= prefix, run_id < after).order_by(run_id.desc())
    bounds = (run_id.op("~>=~", is_comparison=True)(prefix), run_id.op("~<~", is_comparison=True)(after))
    return statement.where(*bounds).order_by(text("dag_run.run_id USING ~>~"))


def _begins(column: ColumnElement[str], words: str) -> ColumnElement[bool]:
    return func.lower(func.substr(column, 1, len(words))) == words.lower()


def _narrowed(statement: Select[Any], dag_id: ColumnElement[str], seen: Seen | None) -> Select[Any]:
    return statement if seen is None else statement.where(is_seen(dag_id, seen))
