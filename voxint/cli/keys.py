"""`voxint keys`: make, list and revoke keys, and hash the passwords of accounts."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from voxint.cli.failures import run
from voxint.cli.serve import config_path
from voxint.cli.terminal import ask_secret, echo
from voxint.errors import ConfigError
from voxint.server.config_file import load_server_config
from voxint.server.keys import SCOPES, KeyRecord, Scope, find_records, new_key
from voxint.server.keys_file import change_keys, read_keys
from voxint.server.passwords import hash_password

__all__ = ["keys"]

UNITS = {"m": "minutes", "h": "hours", "d": "days"}

LONGEST_DAYS = 36_500

SHORTEST_ID = 4
"""Characters by which a key is revoked, where no other begins so; chosen here: a slip of the hand names none."""

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def keys() -> None:
    """Make, list and revoke the keys of a server.

    They stand in a file, each as its SHA-256, which is that of the configuration ([server] keys_file in CONFIG or
    ./voxint.toml, or VOXINT_KEYS_FILE), or --file. A running server reads it within two seconds.
    """


def file_options(command: Command) -> Command:
    """Add CONFIG and --file."""
    file = click.option(
        "--file", type=click.Path(path_type=Path), help="The keys file, instead of the configuration's."
    )
    return click.argument("config", required=False, type=click.Path(path_type=Path))(file(command))


@keys.command()
@click.option("--name", default="", help="Whose it is, for a person.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    default=("talk",),
    show_default=True,
    help="What it is good for: talk to the agent, observe /metrics, admin for all; may be repeated.",
)
@click.option("--expires", metavar="TIME", help="How long it is good, such as 90d, 12h, 30m; for ever without.")
@file_options
def new(config: Path | None, file: Path | None, name: str, scopes: tuple[Scope, ...], expires: str | None) -> None:
    """Make a key, and print it: this once, for it is kept nowhere."""

    async def main() -> None:
        now = datetime.now(UTC)
        until = None if expires is None else now + _duration(expires)
        key, record = new_key(scopes, now.replace(microsecond=0), name=name, expires=until)
        path = _path(config, file)
        with change_keys(path) as records:
            echo(key)  # first: a key that could not be shown is nobody's, and must not be in the file
            if sys.stdout is None:
                raise ConfigError(
                    "standard output", "it is closed, and the key is shown there and nowhere else: leave it open"
                )
            sys.stdout.flush()
            records.append(record)
        echo(f"{_line(record, now)}\nwritten to {path}; the key itself is nowhere else: keep it", err=True)

    run(main)


@keys.command("list")
@file_options
def list_(config: Path | None, file: Path | None) -> None:
    """List the keys by their ids, without the keys themselves, which nobody knows."""

    async def main() -> None:
        now = datetime.now(UTC)
        for record in read_keys(_path(config, file)):
            echo(_line(record, now))

    run(main)


@keys.command()
@click.argument("key_id", metavar="ID")
@file_options
def revoke(key_id: str, config: Path | None, file: Path | None) -> None:
    """Revoke the key of that ID, or of which ID is the beginning. A running server closes its sessions."""

    async def main() -> None:
        path = _path(config, file)
        if len(key_id) < SHORTEST_ID:
            raise ConfigError("ID", f"write at least {SHORTEST_ID} characters of the id that `voxint keys list` shows")
        if not path.exists():
            raise ConfigError(str(path), "there is no such file; `voxint keys new` makes it, with a first key")
        with change_keys(path) as records:
            found = find_records(records, key_id)
            if len(found) != 1:
                how_many = "no key's id begins" if not found else f"the ids of {len(found)} keys begin"
                raise ConfigError("ID", f"{how_many} so in {path}: look them up by `voxint keys list`")
            records.remove(found[0])
        echo(f"revoked {_line(found[0], datetime.now(UTC))}", err=True)

    run(main)


@keys.command()
def password() -> None:
    """Ask for a password, and print its argon2id hash for [server.accounts].

    Where standard input is no terminal its first line is the password.
    """
    given = ask_secret("Password") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")

    async def main() -> None:
        try:
            hashed = hash_password(given)
        except ValueError as error:
            raise ConfigError("password", str(error)) from None
        echo(hashed)
        echo('put it under [server.accounts], as name = "$argon2id$..."', err=True)

    run(main)


def _path(config: Path | None, file: Path | None) -> Path:
    if file is not None:
        return file
    found = load_server_config(config_path(config), os.environ).keys_file
    if not found:
        raise ConfigError(
            "[server] keys_file", "it is not set: name the file of keys there, in VOXINT_KEYS_FILE, or by --file"
        )
    return Path(found)


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if found is None or not timedelta(0) < timedelta(**{UNITS[found[2]]: int(found[1])}) <= timedelta(LONGEST_DAYS):
        raise ConfigError("--expires", "write a time such as 90d, 12h or 30m")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _line(record: KeyRecord, now: datetime) -> str:
    """Return a key as a person reads it."""
    until = "no end" if record.expires is None else f"until {record.expires:%Y-%m-%d %H:%M} UTC"
    if record.expired(now.timestamp()):
        until = f"EXPIRED {record.expires:%Y-%m-%d %H:%M} UTC"
    scopes = ",".join(record.scopes)
    return f"{record.id}  {scopes:<18}  {record.created:%Y-%m-%d}  {until:<26}  {record.name}".rstrip()
