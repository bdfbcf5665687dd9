"""The metadata and constraints that all tables use."""

from sqlalchemy import CheckConstraint, MetaData

from mainspring.states import AttemptState, RunState, RunType, TaskState

__all__ = ["metadata", "one_of"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def one_of(column: str, values: type[RunState | TaskState | AttemptState | RunType]) -> CheckConstraint:
    """A CHECK constraint: `column` holds one of the values."""
    allowed = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)
