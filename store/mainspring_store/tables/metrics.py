"""Totals for monitoring, which all processes add to."""

from sqlalchemy import Column, Double, SmallInteger, String, Table, Text

from mainspring_store.database.types import Key
from mainspring_store.tables.base import metadata

__all__ = ["metric_dag", "metric_position", "metric_total"]

metric_total = Table(
    "metric_total",
    metadata,
    # A counter, a bucket of a histogram, or the sum of the values of a histogram.
    Column("name", String(60), primary_key=True),
    # The values of the labels, as a JSON array.
    Column("labels", Text, primary_key=True),
    Column("value", Double, nullable=False),
)

metric_dag = Table(
    "metric_dag",
    metadata,
    # The DAGs with totals of their own; all further DAGs count as `other`. A row stays when its DAG is deleted.
    Column("dag_id", String(250), primary_key=True),
)

# One row: the events up to `event_id` are counted.
metric_position = Table(
    "metric_position",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("event_id", Key, nullable=False),
)
