"""`voxint check`: is the configuration right, and does every provider answer?"""

from __future__ import annotations

import time
from pathlib import Path

import click
import trio

from voxint.cli.agent import open_stage
from voxint.cli.failures import FAILED, run
from voxint.cli.serve import config_options, read_config
from voxint.cli.terminal import echo
from voxint.errors import ConfigError, UpstreamTimeout, VoxintError
from voxint.logs import leaves
from voxint.net.http import HttpClient, open_http
from voxint.printable import printable
from voxint.server.auth import check_exposure
from voxint.server.certificate import certificate_of, good_until
from voxint.server.config import ServerConfig
from voxint.server.config_file import StageConfig
from voxint.server.keys_file import check_writers, read_keys

__all__ = ["check"]

PROVIDER_S = 30.0
"""Seconds that one provider has to start and answer; the built-in ones bound themselves below it."""


@click.command()
@config_options
def check(config: Path | None, settings: tuple[str, ...]) -> None:
    """Validate CONFIG as `serve` would read it, with its keys and certificate, and reach each provider.

    Exit code 1 if one fails.
    """

    async def main() -> int:
        read = read_config(config, settings)
        check_exposure(read.server)
        _tell("config", "ok", f"listens on {read.server.host} port {read.server.port}")
        good = _opens(read.server)
        async with open_http() as http:
            for stage in (read.llm, read.stt, read.tts):
                if stage is not None:
                    good &= await _answers(stage, http)
        return 0 if good else FAILED

    run(main)


def _opens(config: ServerConfig) -> bool:
    """Print one line each about the keys file and the certificate, where there are any; return whether they work."""
    good = True
    for what, configured, look in (("keys", config.keys_file, _keys), ("tls", config.tls_cert or config.tls_key, _tls)):
        if not configured:
            continue
        try:
            _tell(what, "ok", look(config))
        except ConfigError as error:
            _tell(what, "FAILED", str(error))
            good = False
    return good


def _keys(config: ServerConfig) -> str:
    path = Path(config.keys_file)
    check_writers(path)
    records = read_keys(path)
    expired = sum(record.expired(time.time()) for record in records)
    count = f"{len(records)} {'key' if len(records) == 1 else 'keys'}"
    return f"{path}: {count}, {expired} of them expired" if expired else f"{path}: {count}"


def _tls(config: ServerConfig) -> str:
    certificate = certificate_of(config)
    return "" if certificate is None else f"{certificate.cert}: {good_until(certificate)}"


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
