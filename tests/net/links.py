"""Links over socket pairs: connections of one process, which need no server and go well with virtual time."""

from __future__ import annotations

import socket

import trio
from attrs import define, field

from voxint.net.dial import Dialer
from voxint.net.link import Link, Origin
from voxint.net.tcp import TcpStream

__all__ = ["HERE", "PairDialer", "link_pair"]

HERE = Origin("http", "here", 80)


def link_pair(origin: Origin = HERE) -> tuple[Link, trio.SocketStream]:
    """Return a link and the server's end of it."""
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    ours = trio.SocketStream(trio.socket.from_stdlib_socket(near))
    return Link(origin, TcpStream(ours)), trio.SocketStream(trio.socket.from_stdlib_socket(far))


@define
class PairDialer(Dialer):
    """Opens links at once, or as late as it is told.

    Args:
        delays_s: How long each dial takes, in seconds, one after the other; the rest take no time.
        dialed: Where the dials begun so far lead.
        servers: The server's ends of the links opened so far.
    """

    delays_s: list[float] = field(factory=list)
    dialed: list[Origin] = field(factory=list)
    servers: list[trio.SocketStream] = field(factory=list)

    async def open(self, origin: Origin) -> Link:
        """Open a link."""
        self.dialed.append(origin)
        await trio.sleep(self.delays_s.pop(0) if self.delays_s else 0)
        link, server = link_pair(origin)
        self.servers.append(server)
        return link

    def close(self) -> None:
        """Close the server's ends."""
        for server in self.servers:
            server.socket.close()
