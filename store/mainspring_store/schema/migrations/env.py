"""Run by Alembic: uses the connection that `migrate` opened, inside its transaction."""

from alembic import context

from mainspring_store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    transactional_ddl=False,
)
context.run_migrations()
