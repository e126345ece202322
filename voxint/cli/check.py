"""`voxint check`: is the configuration right, and does every provider answer?"""

from __future__ import annotations

import inspect
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import click
import trio

from voxint.arguments import type_in_words
from voxint.cli.agent import blamed, open_stage
from voxint.cli.failures import BAD_CONFIG, FAILED, run
from voxint.cli.listening import listens
from voxint.cli.running import check_place
from voxint.cli.serve import config_options, config_path, read_config
from voxint.cli.terminal import echo
from voxint.core.stages import CheckVerdict
from voxint.errors import ConfigError, UpstreamError, UpstreamTimeout, VoxintError
from voxint.logs import leaves
from voxint.net.http import HttpClient, chunks, open_http
from voxint.printable import printable
from voxint.server.auth import check_exposure
from voxint.server.certificate import certificate_of, good_until
from voxint.server.config import ServerConfig
from voxint.server.config_file import StageConfig
from voxint.server.keys_file import check_writers, read_keys
from voxint.server.pages import ALIVE

__all__ = ["check"]

PROVIDER_S = 30.0
"""Seconds that one provider has to start and answer; the built-in ones bound themselves below it."""

NEIGHBOUR_S = 2.0
"""Seconds for whoever has the port to say who it is; ours: a voxint server needs milliseconds."""


@click.command()
@config_options
def check(config: Path | None, settings: tuple[str, ...]) -> None:
    """Validate CONFIG as `serve` would read it, with its keys, certificate and port, and reach each provider.

    What makes `serve` fail makes this fail, with the same exit code (2 where the configuration is wrong, else 1),
    except that a port which a voxint server has already is a warning here. It fails also where `serve` would start
    and not serve well: a provider that does not answer, a certificate that has expired, a keys file that anybody may
    change. A warning is no failure.
    """

    async def main() -> int:
        read = read_config(config, settings)
        check_exposure(read.server)
        _tell("config", "ok", str(config_path(config) or "the environment and the flags alone"))
        _tell("listens", "ok", listens(read))
        codes = [_read("keys", read.server, _keys), _read("tls", read.server, _tls), await _port(read.server)]
        async with open_http() as http:
            codes += [await _answers(stage, http) for stage in read.parts]
        return max(codes)

    run(main)


def _read(what: str, config: ServerConfig, look: Callable[[ServerConfig], str]) -> int:
    """Print one line about files of the server's, where there are any; return the exit code that they deserve."""
    try:
        words = look(config)
    except ConfigError as error:
        _tell(what, "FAILED", str(error))
        return BAD_CONFIG
    if words:
        _tell(what, "ok", words)
    return 0


def _keys(config: ServerConfig) -> str:
    if not config.keys_file:
        return ""
    path = Path(config.keys_file)
    records = read_keys(path)
    check_writers(path)
    expired = sum(record.expired(time.time()) for record in records)
    count = f"{len(records)} {'key' if len(records) == 1 else 'keys'}"
    return f"{path}: {count}, {expired} of them expired" if expired else f"{path}: {count}"


def _tls(config: ServerConfig) -> str:
    certificate = certificate_of(config)
    return "" if certificate is None else f"{certificate.cert}: {good_until(certificate)}"


async def _port(config: ServerConfig) -> int:
    """Print one line about the port, which is taken for a moment; return the exit code that it deserves."""
    place = f"{config.host} port {config.port}"
    try:
        await check_place(config)
    except OSError as error:
        if await _is_ours(config):
            _tell("port", "warn", f"{place} has a voxint server already: stop it before you start another there")
            return 0
        _tell("port", "FAILED", str(error))
        return FAILED
    _tell("port", "ok", f"{place} is free" if config.port else f"{config.host} has a free port")
    return 0


async def _is_ours(config: ServerConfig) -> bool:
    """Return whether a voxint server has the port: who looks at a configuration may be served by it already."""
    nobody_in_particular = ssl.create_default_context()
    nobody_in_particular.check_hostname = False  # nothing is told to whoever it is
    nobody_in_particular.verify_mode = ssl.CERT_NONE
    host = f"[{config.host}]" if ":" in config.host else config.host
    url = f"{'https' if config.tls_cert else 'http'}://{host}:{config.port}/healthz"
    body = b""
    with trio.move_on_after(NEIGHBOUR_S):
        try:
            async with open_http(verify=nobody_in_particular) as http, http.stream("GET", url) as response:
                async for data in chunks(response):
                    body += data
                    if len(body) > len(ALIVE):
                        break
        except (UpstreamError, ConfigError):
            return False
    return body == ALIVE


async def _answers(stage: StageConfig, http: HttpClient) -> int:
    """Print one line about a provider; return the exit code that it deserves."""
    code = 0
    try:
        with trio.move_on_after(PROVIDER_S) as scope:
            verdict = await _verdict(stage, http)
        if scope.cancelled_caught:
            raise UpstreamTimeout(f"no answer within {PROVIDER_S:g} s")
    except* (VoxintError, OSError) as group:
        errors = list(leaves(group))
        name = f"{stage.provider}: "
        _tell(stage.kind, "FAILED", name + str(errors[0]).removeprefix(name))  # an engine's error says whose it is too
        code = BAD_CONFIG if any(isinstance(error, ConfigError) for error in errors) else FAILED
    else:
        _tell(stage.kind, "warn" if verdict.warning else "ok", f"{stage.provider}: {verdict.words}")
    return code


async def _verdict(stage: StageConfig, http: HttpClient) -> CheckVerdict:
    async with open_stage(stage, http) as provider:
        reach = getattr(provider, "check", None)
        if reach is None:
            return CheckVerdict("it was made; it has no check() to say more")
        with blamed(stage, "when it was asked to check", as_configuration=False):
            asked = reach()
            if not inspect.isawaitable(asked):
                raise UpstreamError("its check() is no async method: write `async def check(self)`")
            return _judged(await asked)


def _judged(said: object) -> CheckVerdict:
    """Return the verdict of a provider's own check, whatever it returned."""
    match said:
        case CheckVerdict():
            return said
        case str():
            return CheckVerdict(said)
        case None:
            return CheckVerdict("its check() found nothing wrong, and said no more")
    raise UpstreamError(f"its check() returned {type_in_words(said)}: return a str, or a voxint.CheckVerdict")


def _tell(what: str, verdict: str, words: str) -> None:
    echo(printable(f"{what:<7} {verdict:<7} {words}"))
