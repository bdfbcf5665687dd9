"""`mainspring backup` and `mainspring restore`, which work on the database of this machine's settings."""

from pathlib import Path

import click

from mainspring_cli.config import Resolved
from mainspring_cli.settings_options import SETTINGS_FLAGS, with_settings

__all__ = ["backup", "restore"]

_FILE = click.Path(path_type=Path, dir_okay=False)


class _BackupGroup(click.Group):
    """A group whose first word may be a file: `backup FILE` means `backup create FILE`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        is_word = bool(args) and not args[0].startswith("-") and args[0] not in self.commands
        return super().resolve_command(ctx, ["create", *args] if is_word else args)


@click.group(cls=_BackupGroup)
def backup() -> None:
    """Write a backup of the SQLite database: `mainspring backup FILE`. The services may be running."""


@backup.command("create")
@click.argument("file", type=_FILE)
@with_settings(SETTINGS_FLAGS)
def create(settings: Resolved, file: Path) -> None:
    """Write a backup to a new file of mode 0600, without the keys of secrets."""
    from mainspring_cli.services.backups import back_up

    manifest = back_up(settings.config, file)
    size = file.stat().st_size / 2**20
    click.echo(f"{file}: {manifest.runs} runs, {size:.1f} MiB, tables of revision {manifest.revision}")
    if manifest.key_fingerprints:
        click.echo("the keys of secrets are not in it: mainspring backup keys FILE", err=True)


@backup.command("verify")
@click.argument("file", type=_FILE)
@with_settings(SETTINGS_FLAGS)
def verify(settings: Resolved, file: Path) -> None:
    """Read a backup to its end; ends non-zero when the backup is damaged or of a later version."""
    from mainspring_cli.services.backups import verify_backup

    manifest, has_key = verify_backup(settings.config, file)
    click.echo(
        f"{file} is sound: made at {manifest.created_at} by version {manifest.version},"
        f" tables of revision {manifest.revision}, {manifest.runs} runs"
    )
    if not has_key:
        click.echo(
            f"mainspring: warning: the key ring at hand has none of its keys ({', '.join(manifest.key_fingerprints)});"
            " restore needs them if the backup has secrets",
            err=True,
        )


@backup.command("keys")
@click.argument("file", type=_FILE)
@with_settings(SETTINGS_FLAGS)
def keys(settings: Resolved, file: Path) -> None:
    """Write the keys of secrets to a new file of mode 0600. Keep it apart from the backups."""
    from mainspring_cli.services.backups import back_up_keys

    count = back_up_keys(settings.config, file)
    click.echo(f"{file}: {count} keys; who has it and a backup can read every secret")


@click.command()
@click.argument("file", type=_FILE, required=False)
@click.option("--keep-tokens", is_flag=True, help="Let tokens and sessions from before the backup go on.")
@click.option("--replace", is_flag=True, help="Keep an existing database under another name.")
@click.option("--resume", is_flag=True, help="Let schedules make runs again, after a look at the restored instance.")
@with_settings(SETTINGS_FLAGS)
def restore(settings: Resolved, file: Path | None, keep_tokens: bool, replace: bool, resume: bool) -> None:
    """Restore a backup. Stop all services before. Without FILE: finish a restore that pg_restore made.

    Schedules and backfills make no runs until `mainspring restore --resume`.
    """
    from mainspring_cli.services.backups import restore_dump, restore_file, resume_schedules

    if resume:
        if file is not None:
            raise click.UsageError("--resume takes no file: restore first, look at the instance, then resume")
        was_held = resume_schedules(settings.config)
        click.echo("schedules and backfills make runs again" if was_held else "nothing was held")
        return
    if file is None:
        restored = restore_dump(settings.config, keeps_tokens=keep_tokens)
    else:
        restored = restore_file(settings.config, file, keeps_tokens=keep_tokens, replaces=replace)
    click.echo(
        f"restored: {restored.attempts} attempts will be found lost, {restored.tokens} tokens revoked,"
        f" {restored.sessions} sessions ended"
    )
    click.echo("start the services; schedules are held until: mainspring restore --resume", err=True)
