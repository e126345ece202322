"""What an operator sets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import Attribute, field, frozen

from voxint.arguments import bounded, check_fields, field_name
from voxint.server.address import networks
from voxint.server.passwords import password_hash_fault

__all__ = ["ServerConfig"]

SHORTEST_SECRET = 32
"""Characters of `token_secret`; chosen here: 128 bits where they are hexadecimal."""


YEAR_S = 31_536_000.0
"""The longest that a session waits for its client; ours: it is told as a whole number of seconds, so it has an end."""


def _positive(default: float) -> float:
    return field(default=default, validator=bounded(more_than=0))


def _no_blank(instance: object, attribute: Attribute[Any], values: tuple[str, ...]) -> None:
    """Refuse the secret that nobody set: an empty key would let everybody in who brings none."""
    if not all(secret.strip() for secret in values):
        name = field_name(instance, attribute)
        raise ValueError(f"{name} must hold no empty string")


def _hashes(instance: object, attribute: Attribute[Any], values: Mapping[str, str]) -> None:
    """Refuse a password that stands there as it is: whoever reads the file would have it."""
    for name, value in values.items():
        if fault := password_hash_fault(value):
            place = field_name(instance, attribute)
            raise ValueError(f"{place} {fault}; look at {name}, which belongs above if it is a setting")


def _long(instance: object, attribute: Attribute[Any], value: str) -> None:
    """Refuse a secret that can be guessed."""
    if value and len(value) < SHORTEST_SECRET:
        name = field_name(instance, attribute)
        raise ValueError(f"{name} must have at least {SHORTEST_SECRET} characters")


def _origins(instance: object, attribute: Attribute[Any], values: tuple[str, ...]) -> None:
    """Refuse what no browser sends: it would never match."""
    if not all(re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\sA-Z]+", value) for value in values):
        name = field_name(instance, attribute)
        raise ValueError(f"{name} must hold origins such as https://example.org, in lower case, without a path")


def _networks(instance: object, attribute: Attribute[Any], values: tuple[str, ...]) -> None:
    try:
        networks(values)
    except ValueError:
        name = field_name(instance, attribute)
        raise ValueError(f"{name} must hold addresses or networks, such as 127.0.0.1 or 10.0.0.0/8") from None


@frozen(kw_only=True, field_transformer=check_fields)
class ServerConfig:
    """The server's settings; seconds, bytes and counts as the names say.

    Args:
        host: The address to listen on. Loopback by default: without keys, nothing else is served.
        port: The port; 0 lets the system choose.
        api_keys: Keys of which a REGISTER must bring one; none and no accounts: open, on loopback only.
        keys_file: A file of more keys, which `voxint keys` writes and the server reads again when it has changed; with
            one the server is never open, also where no key is in it. Empty: none.
        accounts: Hashes of passwords (argon2id) by account name, the other way to register.
        token_secret: What the tokens of ``/v1/tokens`` are signed with, where several processes are to know each
            other's: 32 characters at least. Empty: a random one, this process's own.
        tokens_per_minute: So many tokens a key may have made, a tenth of them at once.
        open_metrics: Whether ``/metrics`` asks for no key.
        tls_cert: A file in PEM with the certificate, and those between it and the authority's. Empty: no TLS.
        tls_key: A file in PEM with its private key, without a password.
        allowed_origins: Whose web pages may connect, such as ``https://example.org``. Without: any page where a key or
            an account is asked for, else those of this machine. Clients that are no browser may always.
        heartbeat_s: Between two HEARTBEATs; existing clients give up after 120 s without.
        session_timeout_s: A client that has been silent for so long is closed; a year at most.
        resume_s: A session that has lost its last connection lives for so long; the protocol's number.
        warn_s: SESSION_WARN goes out so long before that.
        register_s: From the connection to its REGISTER.
        guess_pause_s: The longest that the answer to a wrong key is held back; the first of an address waits 0.25 s,
            each further one twice as long.
        close_s: For a client to answer a close, and for what waits to be written before it.
        drain_s: For live requests to end by themselves at shutdown.
        max_frame_bytes: The largest message from a client: minutes of BASE64 speech.
        max_connections: Callers at a time: WebSockets that have registered. Beyond it SERVER_BUSY.
        max_strangers: Connections at a time that have not registered, HTTP included; ours: some dozens register in the
            same instant, each for some milliseconds. A newcomer gets the place of one that has had half a second.
        max_strangers_per_address: Those of one address; a network of IPv6 (/64) is one.
        trusted_proxies: Addresses or networks of proxies, whose X-Forwarded-For says where a client comes from; their
            own strangers are not bounded by address.
    """

    host: str = "127.0.0.1"
    port: int = field(default=8765, validator=bounded(at_least=0, at_most=65_535))
    api_keys: tuple[str, ...] = field(default=(), repr=False, validator=_no_blank)
    keys_file: str = ""
    accounts: Mapping[str, str] = field(factory=dict, repr=False, validator=_hashes)
    token_secret: str = field(default="", repr=False, validator=_long)
    tokens_per_minute: float = _positive(600.0)
    open_metrics: bool = False
    tls_cert: str = ""
    tls_key: str = ""
    allowed_origins: tuple[str, ...] = field(default=(), validator=_origins)
    heartbeat_s: float = _positive(30.0)
    session_timeout_s: float = field(default=600.0, validator=bounded(more_than=0, at_most=YEAR_S))
    resume_s: float = field(default=60.0, validator=bounded(at_least=0))
    warn_s: float = _positive(60.0)
    register_s: float = _positive(3.0)
    guess_pause_s: float = _positive(2.0)
    close_s: float = _positive(1.0)
    drain_s: float = field(default=10.0, validator=bounded(at_least=0))
    max_frame_bytes: int = field(default=8 * 1024 * 1024, validator=bounded(at_least=1024))
    max_connections: int = field(default=1000, validator=bounded(at_least=1))
    max_strangers: int = field(default=128, validator=bounded(at_least=1))
    max_strangers_per_address: int = field(default=64, validator=bounded(at_least=1))
    trusted_proxies: tuple[str, ...] = field(default=(), validator=_networks)
