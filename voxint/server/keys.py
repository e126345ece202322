"""Keys that callers bring: made, told from one another, written as lines; no file is touched here.

A key is 256 random bits, so its plain SHA-256 says nothing about it: nobody can try that many, and a slow hash would
cost the server at each REGISTER what it costs nobody else. What a keys file holds lets nobody in who reads it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta

from voxint.errors import ConfigError

__all__ = [
    "KEY_PREFIX",
    "SCOPES",
    "KeyRecord",
    "Scope",
    "digest_of",
    "find_records",
    "format_keys",
    "new_key",
    "parse_keys",
]

Scope: TypeAlias = Literal["talk", "observe", "admin"]
"""What a key is good for: `talk` to REGISTER, `observe` to read /metrics, `admin` for both, and for tokens of any."""

SCOPES: tuple[Scope, ...] = get_args(Scope)

KEY_PREFIX = "vox_"
"""By which a person, and a scanner of sources, knows a key. Chosen here."""

KEY_BYTES = 32
"""256 random bits: beyond guessing, however fast."""

ID_LENGTH = 12
"""Characters of a digest by which a person names a key; ours: two of a million keys share them once in 500 times, and
then `revoke` wants more."""

LONGEST_NAME = 64


class KeyRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is kept of a key.

    Args:
        sha256: The digest of the whole key, in hexadecimal.
        scopes: What it is good for.
        created: When it was made.
        name: For a person: whose it is.
        expires: Until when it is good; None: until it is revoked.
    """

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1)]
    created: Annotated[datetime, Meta(tz=True)]
    name: str = ""
    expires: Annotated[datetime, Meta(tz=True)] | None = None

    @property
    def id(self) -> str:
        """The first characters of the digest: what a person calls it by."""
        return self.sha256[:ID_LENGTH]

    def expired(self, now: float) -> bool:
        """Return whether it is good no more at `now`, in seconds since the epoch."""
        return self.expires is not None and self.expires.timestamp() <= now


def digest_of(key: str) -> str:
    """Return the SHA-256 of a key, in hexadecimal; of any text that a client may send."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def new_key(
    scopes: Iterable[Scope], now: datetime, *, name: str = "", expires: datetime | None = None
) -> tuple[str, KeyRecord]:
    """Make a key.

    Args:
        scopes: What it is to be good for.
        now: When this is.
        name: For a person, at most 64 printable characters.
        expires: Until when it is good.

    Returns:
        The key, which is nowhere else, and what is kept of it.

    Raises:
        ConfigError: The name is too long, or can't be printed.
    """
    if not _is_name(name):
        raise ConfigError("--name", f"write at most {LONGEST_NAME} printable characters")
    key = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    chosen = tuple(scope for scope in SCOPES if scope in set(scopes))
    return key, KeyRecord(digest_of(key), chosen, now.astimezone(UTC), name, expires)


def format_keys(records: Iterable[KeyRecord]) -> bytes:
    """Return the content of a keys file: one key a line, as JSON."""
    return b"".join(msgspec.json.encode(record) + b"\n" for record in records)


def parse_keys(content: bytes, place: str) -> tuple[KeyRecord, ...]:
    """Read the content of a keys file.

    Args:
        content: Of the file.
        place: What the file is called.

    Raises:
        ConfigError: A line is none of `format_keys`; it names the line and quotes nothing of it.
    """
    found: dict[str, KeyRecord] = {}
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            record = _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            where = re.search(r"\$\.\w+", str(error))  # the rest of its text may quote the line
            wrong = f"{where[0]} is wrong in this key" if where else "this line is no key"
            expected = f"{wrong}: leave in the file what `voxint keys new` writes, one a line"
            raise ConfigError(f"{place}:{number}", expected) from None
        if not _is_name(record.name):
            raise ConfigError(f"{place}:{number}", f"the name must have at most {LONGEST_NAME} printable characters")
        if record.sha256 in found:
            raise ConfigError(f"{place}:{number}", "this key stands above already: leave it there once")
        found[record.sha256] = record
    return tuple(found.values())


def find_records(records: Sequence[KeyRecord], key_id: str) -> list[KeyRecord]:
    """Return the keys whose digest begins so."""
    return [record for record in records if record.sha256.startswith(key_id.lower())]


def _is_name(name: str) -> bool:
    return len(name) <= LONGEST_NAME and (not name or name.isprintable())


_DECODER = msgspec.json.Decoder(KeyRecord)
