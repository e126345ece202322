"""Model servers on this machine: who answers on the ports where they usually listen, and what models they have.

Whatever else may listen there is not taken for one: an answer that is no list of models, late, endless, refused or a
redirect says that there is none. Nothing is told to whoever it is, no key above all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import trio
from attrs import frozen

from voxint.cli.model_choice import KnownModel, billions_in, fit_for_talk
from voxint.errors import UpstreamError
from voxint.net.http import HttpClient, chunks, open_http
from voxint.providers.openai_models import LIST_BYTES, listed_models

__all__ = ["LOCAL", "LOOPBACK", "WITHIN_S", "Candidate", "LocalServer", "find_local_servers"]

WITHIN_S = 0.3
"""Seconds for all of them together: a person waits for it. A server on this machine answers in a few milliseconds."""

LOOPBACK = ("127.0.0.1", "[::1]")
"""Where a server on this machine listens: what `localhost` means, without asking anybody what it means."""

OURS = "voxint"
"""Whose the simulated upstream says its model is; it is no model server."""


@frozen
class Candidate:
    """A port where a model server may listen.

    Args:
        name: The server whose port that is.
        port: It.
        owner: What that server writes as `owned_by` of its models; empty: anything, for nobody else has this port.
        tags: Whether it tells the sizes of its models at ``/api/tags``.
    """

    name: str
    port: int
    owner: str = ""
    tags: bool = False


LOCAL = (
    Candidate("Ollama", 11434, tags=True),
    Candidate("llama.cpp", 8080, owner="llamacpp"),
    Candidate("LM Studio", 1234),
    Candidate("vLLM", 8000, owner="vllm"),
)
"""Who is asked, in the order in which they are preferred; ours: the one that most people have comes first."""


@frozen
class LocalServer:
    """A model server that answered.

    Args:
        name: What it is, such as ``Ollama``.
        place: Host and port.
        models: Those that can talk, the one to take first; there may be none.
    """

    name: str
    place: str
    models: tuple[str, ...]

    @property
    def base_url(self) -> str:
        """Where its API begins."""
        return f"http://{self.place}/v1"


async def find_local_servers(
    candidates: Sequence[Candidate] = LOCAL, hosts: Sequence[str] = LOOPBACK, within_s: float = WITHIN_S
) -> tuple[LocalServer, ...]:
    """Ask all candidates at once for their models, and return those that answered in time, in their order.

    Args:
        candidates: Ports, each asked once at each host; of those that answer at several the first host counts.
        hosts: Addresses as in a URL.
        within_s: Seconds for all together.
    """
    found: dict[tuple[int, int], LocalServer] = {}

    async def ask(rank: tuple[int, int], http: HttpClient, candidate: Candidate, host: str) -> None:
        if (server := await _server_at(http, candidate, f"{host}:{candidate.port}")) is not None:
            found[rank] = server

    with trio.move_on_after(within_s):
        async with open_http(connect_timeout_s=within_s) as http, trio.open_nursery() as nursery:
            for n, candidate in enumerate(candidates):
                for m, host in enumerate(hosts):
                    nursery.start_soon(ask, (n, m), http, candidate, host)
    best: dict[int, LocalServer] = {}
    for (n, _), server in sorted(found.items()):
        best.setdefault(n, server)
    return tuple(best.values())


async def _server_at(http: HttpClient, candidate: Candidate, place: str) -> LocalServer | None:
    sizes: dict[str, KnownModel] = {}

    async def ask_sizes() -> None:
        sizes.update(_sizes(await _body(http, f"http://{place}/api/tags")))

    async with trio.open_nursery() as nursery:
        if candidate.tags:
            nursery.start_soon(ask_sizes)
        body = await _body(http, f"http://{place}/v1/models")
        listed = None if body is None else listed_models(body)
        if listed is None:
            nursery.cancel_scope.cancel(reason="no model server is there")
    if listed is None or any(model.owned_by == OURS for model in listed):
        return None
    owners = {model.owned_by for model in listed if isinstance(model.owned_by, str)}
    name = candidate.name if not candidate.owner or candidate.owner in owners else "a model server"
    return LocalServer(name, place, fit_for_talk(sizes.get(model.id, KnownModel(model.id)) for model in listed))


async def _body(http: HttpClient, url: str) -> bytes | None:
    """Return the body of a good answer; None where it is none, or longer than a list of models is."""
    body = bytearray()
    try:
        async with http.stream("GET", url) as response:
            if response.status_code != 200:
                return None
            async for chunk in chunks(response):
                body += chunk
                if len(body) > LIST_BYTES:
                    return None
    except UpstreamError:
        return None
    return bytes(body)


class _Details(msgspec.Struct):
    parameter_size: str = ""
    family: str = ""


class _Tag(msgspec.Struct):
    name: str
    details: _Details | None = None


class _Tags(msgspec.Struct):
    models: list[_Tag] | None = None


def _sizes(body: bytes | None) -> dict[str, KnownModel]:
    """Return what Ollama tells of its models; nothing where it tells that in no form that is known."""
    try:
        tags: Iterable[_Tag] = msgspec.json.decode(body or b"{}", type=_Tags).models or ()
    except (msgspec.MsgspecError, RecursionError):
        return {}
    details = {tag.name: tag.details for tag in tags if tag.details is not None}
    return {name: KnownModel(name, billions_in(each.parameter_size), each.family) for name, each in details.items()}
