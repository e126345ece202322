"""`voxint serve`, and the options that every serving command has."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from voxint.cli.listening import with_detector
from voxint.cli.logs import LEVELS, LogFormat, configure_logs
from voxint.cli.outside import Outside, run_outside
from voxint.cli.running import run_server
from voxint.errors import ConfigError
from voxint.server.config_file import Config, load_config, shown_flag

__all__ = ["config_options", "config_path", "log_options", "read_config", "serve"]

DEFAULT_FILE = Path("voxint.toml")

Command = TypeVar("Command", bound=Callable[..., Any])


def log_options(command: Command) -> Command:
    """Add --log-level and --log-format; the log is configured before the command runs."""

    @functools.wraps(command)
    def configured(*args: object, log_level: str, log_format: LogFormat, **kwargs: object) -> object:
        configure_logs(log_level, log_format)
        return command(*args, **kwargs)

    level = click.option(
        "--log-level",
        type=click.Choice(LEVELS),
        default="info",
        envvar="VOXINT_LOG_LEVEL",
        show_default=True,
        show_envvar=True,
    )
    log_format = click.option(
        "--log-format",
        type=click.Choice(("auto", "json", "console")),
        default="auto",
        envvar="VOXINT_LOG_FORMAT",
        show_default=True,
        show_envvar=True,
        help="auto: coloured lines on a terminal, else JSON.",
    )
    return cast("Command", level(log_format(configured)))


def config_options(command: Command) -> Command:
    """Add CONFIG and the flags that override it."""
    config = click.argument("config", required=False, type=click.Path(path_type=Path))
    override = click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="SECTION.KEY=VALUE",
        help="Override any setting, such as limits.lead_ms=200; may be repeated.",
    )
    return config(override(command))


def read_config(path: Path | None, settings: tuple[str, ...], **flags: object) -> Config:
    """Return the configuration: the file (voxint.toml where there is one), then the environment, then the flags.

    Raises:
        ConfigError: Something in it is wrong.
    """
    given: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(shown_flag(name), "write it as section.key=value, such as limits.lead_ms=200")
        given[name] = value
    given |= {f"server.{name}": str(value) for name, value in flags.items() if value is not None}
    return with_detector(load_config(config_path(path), os.environ, given))


def config_path(path: Path | None) -> Path | None:
    """Return the configuration's file: the one that is named, else voxint.toml where there is one."""
    return DEFAULT_FILE if path is None and DEFAULT_FILE.is_file() else path


@click.command()
@config_options
@click.option("--host", help="Overrides [server] host.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Overrides [server] port; 0: any free one.")
@click.option("--tls-cert", help="Overrides [server] tls_cert: a certificate in PEM, read again when it changes.")
@click.option("--tls-key", help="Overrides [server] tls_key: its private key in PEM.")
@log_options
def serve(
    config: Path | None,
    settings: tuple[str, ...],
    host: str | None,
    port: int | None,
    tls_cert: str | None,
    tls_key: str | None,
) -> None:
    """Serve callers, as CONFIG (a TOML file), the environment (VOXINT_...) and the flags say.

    Without CONFIG it is ./voxint.toml, where that exists. Of a setting given in several places the flag counts
    first, then the environment, then the file. The first SIGTERM or Ctrl-C drains the server, a second one kills it.
    SIGHUP has keys and certificates read again.
    """

    async def main(outside: Outside) -> None:
        flags = {"host": host, "port": port, "tls_cert": tls_cert, "tls_key": tls_key}
        await run_server(read_config(config, settings, **flags), outside)

    run_outside(main)
