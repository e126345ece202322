"""`voxint check`: is the configuration right, and does every provider answer?"""

from __future__ import annotations

from pathlib import Path

import click
import trio

from voxint.cli.agent import open_stage
from voxint.cli.failures import FAILED, run
from voxint.cli.serve import config_options, read_config
from voxint.cli.terminal import echo
from voxint.errors import UpstreamTimeout, VoxintError
from voxint.logs import leaves
from voxint.net.http import HttpClient, open_http
from voxint.printable import printable
from voxint.server.auth import check_exposure
from voxint.server.config_file import StageConfig

__all__ = ["check"]

PROVIDER_S = 30.0
"""Seconds that one provider has to start and answer; the built-in ones bound themselves below it."""


@click.command()
@config_options
def check(config: Path | None, settings: tuple[str, ...]) -> None:
    """Validate CONFIG as `serve` would read it, and reach each provider. Exit code 1 if one fails."""

    async def main() -> int:
        read = read_config(config, settings)
        check_exposure(read.server)
        _tell("config", "ok", f"listens on {read.server.host} port {read.server.port}")
        good = True
        async with open_http() as http:
            for stage in (read.llm, read.stt, read.tts):
                if stage is not None:
                    good &= await _answers(stage, http)
        return 0 if good else FAILED

    run(main)


async def _answers(stage: StageConfig, http: HttpClient) -> bool:
    """Print one line about a provider; return whether it works."""
    try:
        with trio.move_on_after(PROVIDER_S) as scope:
            verdict = await _verdict(stage, http)
        if scope.cancelled_caught:
            raise UpstreamTimeout(f"no answer within {PROVIDER_S:g} s")
    except* VoxintError as group:
        _tell(stage.kind, "FAILED", f"{stage.provider}: {next(leaves(group))}")
        return_value = False
    else:
        _tell(stage.kind, "ok", f"{stage.provider}: {verdict}")
        return_value = True
    return return_value


async def _verdict(stage: StageConfig, http: HttpClient) -> str:
    async with open_stage(stage, http) as provider:
        reach = getattr(provider, "check", None)
        return "it was made; it has no check() to say more" if reach is None else str(await reach())


def _tell(what: str, verdict: str, words: str) -> None:
    echo(printable(f"{what:<7} {verdict:<7} {words}"))
