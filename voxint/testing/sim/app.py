"""The simulated upstream's server: its endpoints, its ledger, and the port where nobody ever answers."""

from __future__ import annotations

import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import count

import msgspec
import trio
from attrs import Factory, define, frozen

from voxint.inside_trio import require_trio
from voxint.net.http_request import HttpLimits, HttpRequest
from voxint.net.httpd import serve_connection
from voxint.testing.sim.chat import MODEL, chat
from voxint.testing.sim.ledger import Ledger
from voxint.testing.sim.play import SimCall, refuse
from voxint.testing.sim.settings import Endpoint, SimSettings
from voxint.testing.sim.speech import speech
from voxint.testing.sim.transcription import transcription
from voxint.ticker import Ticker

__all__ = ["SimAddress", "Simulator", "serve_sim"]

JSON_HEADERS = (("content-type", "application/json"),)
SETTLE_S = 5.0  # the longest that GET /ledger?settled=1 waits
LIMITS = HttpLimits(body_s=float("inf"))  # a person may think in the middle of an upload

Serve = Callable[[SimCall, SimSettings], Awaitable[None]]
ENDPOINTS: Mapping[str, tuple[Endpoint, Serve]] = {
    "/v1/chat/completions": ("chat", chat),
    "/v1/audio/speech": ("speech", speech),
    "/v1/audio/transcriptions": ("transcription", transcription),
}


@frozen
class SimAddress:
    """Where a simulated upstream listens.

    Args:
        url: Its root, such as ``http://127.0.0.1:4242``.
        base_url: What an OpenAI client calls so: the root and ``/v1``.
        port: Its port.
        stalled_url: The root of the port where no connect completes, if the settings ask for one.
    """

    url: str
    base_url: str
    port: int
    stalled_url: str | None = None


async def serve_sim(
    settings: SimSettings | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    task_status: trio.TaskStatus[SimAddress] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled; with `nursery.start`, ready when that returns, which gives the `SimAddress`.

    Args:
        settings: The behaviour of requests that do not ask for another.
        host: The address to listen on.
        port: The port; 0 takes a free one.
        task_status: Of `nursery.start`.
    """
    require_trio("serve_sim")
    settings = settings or SimSettings()
    listeners = await trio.open_tcp_listeners(port, host=host)
    sim = Simulator(settings)
    with ExitStack() as stack:
        stalled = stack.enter_context(_stalled_port(host)) if settings.stall_connect else None
        port = listeners[0].socket.getsockname()[1]
        root = f"http://{host}:{port}"
        stalled_url = f"http://{host}:{stalled}" if stalled else None
        address = SimAddress(root, f"{root}/v1", port, stalled_url)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sim.ticker.run)
            await nursery.start(partial(trio.serve_listeners, sim.serve, listeners))
            task_status.started(address)


@define(eq=False)
class Simulator:
    """The endpoints over one ledger, for any stream, while its `ticker` runs; `serve_sim` puts both behind a port.

    Args:
        settings: The behaviour of requests that do not ask for another.
        endpoints: By path, what serves it; the benchmark has some of its own.
    """

    settings: SimSettings
    endpoints: Mapping[str, tuple[Endpoint, Serve]] = Factory(lambda: ENDPOINTS)
    ledger: Ledger = Factory(Ledger)
    ticker: Ticker = Factory(Ticker)
    _connections: count[int] = Factory(lambda: count(1))

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection."""
        self.ledger.open_connections += 1
        try:
            answer = partial(self._answer, next(self._connections), _client_port(stream))
            await serve_connection(stream, answer, limits=LIMITS)
        finally:
            self.ledger.open_connections -= 1

    async def _answer(self, connection: int, client_port: int, request: HttpRequest) -> None:
        head = request.head
        if head.method == "POST" and head.path in self.endpoints:
            entry = self.ledger.begin(head.path, time.monotonic(), connection, client_port)
            await self._serve_model(SimCall(request, entry, self.ticker))
            return
        match head.method, head.path:
            case "GET" | "HEAD", "/healthz":
                await request.respond(200, b"ok\n")
            case "GET", "/v1/models":
                model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "voxint"}
                await _json(request, {"object": "list", "data": [model]})
            case "GET", "/ledger":
                if "settled" in head.query:
                    with trio.move_on_after(SETTLE_S):
                        await self.ledger.settled()
                await _json(request, self.ledger.report(int(head.query.get("after", "0"))))
            case "PUT", "/settings":
                await self._configure(request)
            case "DELETE", "/ledger":
                self.ledger.clear()
                await _json(request, self.ledger.report())
            case _:
                known = head.path in (*self.endpoints, "/healthz", "/v1/models", "/ledger", "/settings")
                await request.respond(405 if known else 404, b"the simulated upstream has no such endpoint\n")

    async def _configure(self, request: HttpRequest) -> None:
        """Take new settings for all requests from now on; what the body does not name gets its default."""
        try:
            changes = msgspec.json.decode(await request.read(), type=dict[str, object])
            self.settings = SimSettings().override(changes)
        except ValueError as error:
            await request.respond(400, str(error).encode())
        else:
            await _json(request, self.settings)

    async def _serve_model(self, call: SimCall) -> None:
        """Run one of the three model endpoints under its ledger entry."""
        head = call.request.head
        name, serve = self.endpoints[head.path]
        call.entry.tag = head.header("x-request-id")
        try:
            changes = msgspec.json.decode(head.header("x-sim", "{}"), type=dict[str, object])
            await serve(call, self.settings.on(name).override(changes))
        except ValueError as error:
            await refuse(call, 400, str(error))
        finally:
            self.ledger.end(call.entry, call.request.disconnected_at)


async def _json(request: HttpRequest, data: object) -> None:
    await request.respond(200, msgspec.json.encode(data), headers=JSON_HEADERS)


def _client_port(stream: trio.abc.Stream) -> int:
    """Return the port that a connection came from; 0 where it is no socket, or has ended already."""
    if isinstance(stream, trio.SocketStream):
        with suppress(OSError):
            port: int = stream.socket.getpeername()[1]
            return port
    return 0


@contextmanager
def _stalled_port(host: str) -> Iterator[int]:
    """Keep a port whose queue of unaccepted connections is full, so that a connect to it hangs; yield its number."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((host, 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        for _ in range(4):  # Linux queues one more than it is asked for; the rest wait in SYN_SENT, as a client's will
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((host, port))
        yield port
