"""The certificate that a server shows now, which may be another one tomorrow."""

from __future__ import annotations

import hashlib
import ssl
from contextlib import suppress
from pathlib import Path

from attrs import define, field

from voxint.errors import ConfigError
from voxint.net.tls import server_context
from voxint.server.config import ServerConfig

__all__ = ["Certificate", "certificate_of", "good_until"]

FLIGHTS = 4
"""Steps of each side until a handshake is over: TLS 1.3 takes two, 1.2 three."""


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
    _shown: bytes = field(init=False, default=b"", repr=False)

    def __attrs_post_init__(self) -> None:
        self.take(self.load())

    def load(self) -> tuple[ssl.SSLContext, bytes]:
        """Read the files, in a thread where the server runs; return what to show, and a digest of it."""
        context = server_context(self.cert, self.key)
        try:
            shown = self.cert.read_bytes()
        except OSError as error:  # it was taken away in this moment, as a renewal does
            raise ConfigError(
                str(self.cert), f"the file can't be read ({error.strerror}): name one in PEM that this user may read"
            ) from None
        return context, hashlib.sha256(shown).digest()

    def take(self, loaded: tuple[ssl.SSLContext, bytes]) -> bool:
        """Show that certificate from the next handshake on; return whether it is another."""
        self.context, before = loaded[0], self._shown
        self._shown = loaded[1]
        return self._shown != before


def certificate_of(config: ServerConfig) -> Certificate | None:
    """Return the certificate that is configured; None: no TLS.

    Raises:
        ConfigError: It is of no use, or only one of the two files is named.
    """
    if not config.tls_cert and not config.tls_key:
        return None
    if not config.tls_cert or not config.tls_key:
        missing = "tls_cert" if not config.tls_cert else "tls_key"
        raise ConfigError(f"[server] {missing}", "this is needed too: TLS takes a certificate and its private key")
    return Certificate(Path(config.tls_cert), Path(config.tls_key))


def good_until(certificate: Certificate) -> str:
    """Return until when a certificate is good, and for which names, as a person reads it.

    A client that trusts it shakes hands with a server that shows it, both in memory: so it is known to work.

    Raises:
        ConfigError: It has expired, is not good yet, or does not work.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate itself is what is trusted here
    client.load_verify_locations(certificate.cert)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asks = client.wrap_bio(to_client, to_server)
    answers = certificate.context.wrap_bio(to_server, to_client, server_side=True)
    try:
        for _ in range(FLIGHTS):
            for side in (asks, answers):
                with suppress(ssl.SSLWantReadError):
                    side.do_handshake()
    except ssl.SSLCertVerificationError as error:
        raise ConfigError(
            str(certificate.cert), f"the certificate is not good now ({error.verify_message}): get a new one"
        ) from None
    except ssl.SSLError as error:
        raise ConfigError(
            str(certificate.cert), f"the certificate does not work for TLS ({error.reason}): get another"
        ) from None
    shown = asks.getpeercert() or {}
    names = ", ".join(str(entry[1]) for entry in shown.get("subjectAltName", ()))
    return f"until {shown.get('notAfter')}, for {names or 'no name'}"
