"""Fetch model files into a folder: resumed where it broke off, checked, and put in place in one step."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import trio
from attrs import frozen

from voxint.arguments import check_arguments
from voxint.assets.find import Asset, candidates, remedy
from voxint.assets.folders import cache_folder, expanded
from voxint.assets.part import PartialFile, open_part
from voxint.assets.pull_lock import open_folder
from voxint.assets.source import open_download
from voxint.assets.table import AssetEntry
from voxint.errors import ConfigError, UpstreamError
from voxint.inside_trio import require_trio
from voxint.net.proxy import ProxyDialer
from voxint.net.transport import HttpTransport, open_transport

__all__ = ["Pulled", "Puller", "open_puller"]

BLOCK_BYTES = 256 * 1024
"""Held in memory before it is written, at the least; ours."""

TRIES = 5
"""Requests to one source, of which each must have brought something for the next to be sent; ours."""

Progress = Callable[[int], None]
"""Told how many bytes are there; fewer than before where a file begins again."""


@frozen
class Pulled:
    """How a file came to be there.

    Args:
        entry: The file.
        how: ``there`` already, ``copied`` from another place on this disk, or ``fetched``.
        paths: Where it is.
        source: The host it came from, or the kind of place where it was; empty where all of it had come in an earlier
            try.
    """

    entry: AssetEntry
    how: Literal["there", "copied", "fetched"]
    paths: tuple[Path, ...]
    source: str = ""


class Puller:
    """Brings files into one folder; made by `open_puller`."""

    def __init__(self, transport: HttpTransport, target: Path, stall_s: float, *, cache: bool) -> None:
        self._transport = transport
        self._target = target
        self._stall_s = stall_s
        self._cache = cache

    async def pull(self, entry: AssetEntry, progress: Progress = lambda have: None) -> Pulled:
        """Have a file on this machine: checked where it is there, else copied or fetched.

        Cancelled, what has come is kept beside the file's place, and the next call goes on from there. So it is where
        the source breaks off. What turns out to be another file is thrown away.

        Args:
            entry: The file.
            progress: Told of each block.

        Raises:
            ConfigError: The folder can't be written, the disk is full, what lies in the configured folder is another
                file, or no source on the network has this one.
            UpstreamError: No source gave it; each one's reason is in the words.
        """
        found = await trio.to_thread.run_sync(self._look, entry)
        if found is not None and (self._cache or found.where == "folder"):
            return Pulled(entry, "there", found.paths, found.where)
        with open_part(self._target, entry) as part:
            if part.size == entry.size:  # an earlier try ended right before its last step
                with suppress(UpstreamError):
                    return Pulled(entry, "fetched", (await trio.to_thread.run_sync(_finish, part, entry),))
            await trio.to_thread.run_sync(part.need_room)
            if found is not None:
                return await self._copy(found, part, progress)
            return await self._fetch(entry, part, progress)

    def _look(self, entry: AssetEntry) -> Asset | None:
        """The right file, where it is on this disk; what is wrong and can be replaced is passed over."""
        for asset in candidates(entry, None if self._cache else self._target):
            try:
                asset.check()
            except ConfigError:
                if self._cache and asset.where == "folder":
                    raise  # it would be found first, whatever the cache has
            else:
                return asset
        return None

    async def _copy(self, asset: Asset, part: PartialFile, progress: Progress) -> Pulled:
        def copy() -> Path:
            part.start_again()
            for path in asset.paths:
                with path.open("rb") as file:
                    while block := file.read(BLOCK_BYTES):
                        part.add(block)
            return part.keep()

        target = await trio.to_thread.run_sync(copy)
        progress(asset.entry.size)
        return Pulled(asset.entry, "copied", (target,), asset.where)

    async def _fetch(self, entry: AssetEntry, part: PartialFile, progress: Progress) -> Pulled:
        if not entry.urls:
            raise ConfigError(f"model file {entry.name}", f"it can't be fetched by itself: {remedy(entry)}")
        reasons = []
        for url in entry.urls:
            host = urlsplit(url).hostname or url
            try:
                return Pulled(entry, "fetched", (await self._fetch_from(url, entry, part, progress),), host)
            except UpstreamError as error:
                reasons.append(f"{host}: {error.message}")
        kept = f"; {part.size:,} bytes of it are kept, and the next try goes on from there" if part.size else ""
        raise UpstreamError(f"{entry.name} could not be fetched", operator_detail="; ".join(reasons) + kept)

    async def _fetch_from(self, url: str, entry: AssetEntry, part: PartialFile, progress: Progress) -> Path:
        """Fetch a file from one source, which is asked again while each answer changes what there is."""
        tries = 0
        while True:
            before, tries = part.size, tries + 1
            try:
                await self._receive(url, entry, part, progress)
                return await trio.to_thread.run_sync(_finish, part, entry)
            except UpstreamError as error:
                if not error.retryable or part.size == before or tries == TRIES:
                    raise

    async def _receive(self, url: str, entry: AssetEntry, part: PartialFile, progress: Progress) -> None:
        """Add to the part what one answer brings."""
        async with open_download(self._transport, url, part.size, entry.size, self._stall_s) as download:
            if download.start is None:
                await trio.to_thread.run_sync(part.start_again)
                raise UpstreamError("it has less of the file than has come already")
            if download.start != part.size:  # it knows no ranges
                await trio.to_thread.run_sync(part.start_again)
            progress(part.size)
            block = bytearray()
            try:
                while data := await download.body.read():
                    block += data
                    if part.size + len(block) > entry.size:
                        block.clear()
                        await trio.to_thread.run_sync(part.start_again)
                        raise UpstreamError("it sent more than the file has: it is another", retryable=False)
                    if len(block) >= BLOCK_BYTES:
                        full, block = bytes(block), bytearray()
                        await trio.to_thread.run_sync(part.add, full)
                        progress(part.size)
            finally:
                part.add(bytes(block))  # also where it broke off or was cancelled; no wait: it is less than a block
                progress(part.size)


def _finish(part: PartialFile, entry: AssetEntry) -> Path:
    """Put a file in its place that is whole and right."""
    if part.size < entry.size:
        raise UpstreamError(f"it ended after {part.size:,} of {entry.size:,} bytes")
    if (digest := part.digest()) != entry.sha256:
        part.start_again()
        raise UpstreamError(f"it sent another file: the SHA-256 is {digest} and must be {entry.sha256}")
    return part.keep()


@check_arguments
@asynccontextmanager
async def open_puller(
    folder: Path | None = None,
    *,
    waiting: Callable[[], None] = lambda: None,
    connect_timeout_s: float = 10.0,
    stall_s: float = 30.0,
    verify: ssl.SSLContext | None = None,
) -> AsyncGenerator[Puller, None]:
    """Open what fetches model files, and have its folder for itself while the block runs.

    It is for a person who waits: nothing that serves calls it. The environment's ``HTTPS_PROXY``, ``NO_PROXY``,
    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are followed.

    Args:
        folder: Where the files go, whether or not they are elsewhere on this disk; None: the cache, and only what is
            nowhere.
        waiting: Called where another fetches into that folder, whose end is waited for.
        connect_timeout_s: Bounds a connection; ours.
        stall_s: Bounds a server's silence, whatever the whole takes; ours.
        verify: The TLS context; None: the default one.

    Raises:
        ConfigError: The folder can't be written, or no cache is known.
    """
    require_trio("open_puller")
    target = cache_folder() if folder is None else expanded(folder)
    if target is None:
        raise ConfigError("cache of model files", "this user has no home: name a folder by --folder")
    async with (
        open_folder(target, waiting),
        open_transport(connect_timeout_s=connect_timeout_s, dialer=ProxyDialer(verify)) as transport,
    ):
        yield Puller(transport, target, stall_s, cache=folder is None)
