"""An interruptible voice server: what is interrupted really stops, and the acknowledgement proves it."""

# A map of the folders; arrows point one way, a test parses the imports:
#
#   protocol <- core <- { providers, server, testing } <- cli
#   net lies beside protocol; client needs protocol and net alone
#
#   errors.py    every error, and whose fault it is
#   protocol/    pure: messages, codec, dialogue, segments, playout, receipt; no trio, no clock
#   net/         bytes on the network: HTTP client with its pool cure and spares, HTTP server, SSE
#   core/        the request scope and the pipeline inside it; trio and the protocol, no socket
#   providers/   one file per adapter
#   server/      one port: WebSocket, health, metrics
#   testing/     public: scripted stages, memory transports, the simulated upstream, invariant checks
#   client.py    the Python client
#   cli.py       the composition root

from __future__ import annotations

from voxint._version import __version__

__all__ = ["__version__"]
