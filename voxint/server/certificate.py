"""The certificate that a server shows now, which may be another one tomorrow."""

from __future__ import annotations

import ssl
from pathlib import Path

from attrs import define, field

from voxint.errors import ConfigError
from voxint.net.tls import server_context
from voxint.server.config import ServerConfig

__all__ = ["Certificate", "certificate_of"]


@define(eq=False)
class Certificate:
    """A certificate with its key, in files.

    Args:
        cert: The file with the certificate.
        key: The file with its private key.

    Raises:
        ConfigError: They are of no use. Made in a thread, then: it reads the files.
    """

    cert: Path
    key: Path
    context: ssl.SSLContext = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.context = self.load()

    def load(self) -> ssl.SSLContext:
        """Read the files, in a thread where the server runs."""
        return server_context(self.cert, self.key)

    def take(self, context: ssl.SSLContext) -> bool:
        """Show that certificate from the next handshake on; return that it is another."""
        self.context = context
        return True


def certificate_of(config: ServerConfig) -> Certificate | None:
    """Return the certificate that is configured; None: no TLS.

    Raises:
        ConfigError: It is of no use, or only one of the two files is named.
    """
    if not config.tls_cert and not config.tls_key:
        return None
    if not config.tls_cert or not config.tls_key:
        missing = "tls_cert" if not config.tls_cert else "tls_key"
        raise ConfigError(f"[server] {missing}", "needed too: TLS takes a certificate and its private key")
    return Certificate(Path(config.tls_cert), Path(config.tls_key))
