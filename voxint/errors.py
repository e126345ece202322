"""Every error voxint raises, and whose fault each is.

::

    VoxintError
    ├── ConfigError            the operator's: a setting is unknown or has a bad value
    ├── WireError              the peer's: a frame or payload breaks the protocol
    ├── UpstreamError          a provider's: it refused, failed, or spoke nonsense
    │   └── UpstreamTimeout    a provider's: it did not answer in time
    ├── RequestRefused         the caller's, seen by a host: a request that can't begin, or settings that can't be
    ├── RequestFailed          a provider's or ours, seen by an application: its reply has failed
    ├── ServerError            the server's, seen from a client: an ERROR frame, or no answer (REQUEST_TIMEOUT)
    │   └── Disconnected       the connection ended before the answer did (DISCONNECTED)
    ├── ReplyOverflow          the application's: it left more of a reply unread than its client keeps
    └── OutsideTrio            the application's: a call from asyncio, or from a thread without trio
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from attrs import NOTHING, Attribute, Factory, frozen

from voxint.arguments import check_fields

__all__ = [
    "ConfigError",
    "Disconnected",
    "OutsideTrio",
    "ReplyOverflow",
    "RequestFailed",
    "RequestRefused",
    "ServerError",
    "UpstreamError",
    "UpstreamTimeout",
    "VoxintError",
    "WireError",
]


class VoxintError(Exception):
    """Base of all errors that voxint raises on purpose.

    A field that a subclass's own `__init__` has left out reads as its default, and where it has none as the name of the
    class: an error has to be told, however it was made, and trio asks each that leaves a task for its `repr`.
    """

    if not TYPE_CHECKING:  # a type checker knows the fields, and is to tell of names that are none

        def __getattr__(self, name: str) -> Any:
            known: tuple[Attribute[Any], ...] = getattr(type(self), "__attrs_attrs__", ())
            for field in known:
                if field.name == name:
                    unknown = field.default is NOTHING or isinstance(field.default, Factory)
                    return self._unsaid() if unknown else field.default
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def _unsaid(self) -> str:
        return type(self).__name__


@frozen(str=False, field_transformer=check_fields)
class ConfigError(VoxintError):
    """A setting is unknown or its value is not what was expected.

    Args:
        place: Where it stands, such as ``voxint.toml: [server] port`` or ``environment VOXINT_PORT``.
        expected: What belongs there, as a sentence.
    """

    place: str
    expected: str

    def __str__(self) -> str:
        return f"{self.place}: {self.expected}"


@frozen(str=False, field_transformer=check_fields)
class WireError(VoxintError):
    """A frame or payload breaks the protocol; the peer is at fault.

    Args:
        code: One of the protocol's error codes, such as ``MALFORMED_PAYLOAD``.
        message: What is wrong, for the person who reads the client's log.
        detail: The place, such as ``$.payload.content.text``; never a secret or a transcript.
        request_id: The request the bad message wanted to begin, where one could be read from it.
        retryable: Whether the same message may be taken later; None: as its code says.
    """

    code: str
    message: str
    detail: str = ""
    request_id: str | None = None
    retryable: bool | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" ({self.detail})" if self.detail else "")


@frozen(str=False, field_transformer=check_fields)
class UpstreamError(VoxintError):
    """A provider refused, failed or broke its own protocol.

    It has two readers. Who talks to a voice service is a stranger to its operator, and gets `message` alone; who runs
    the service, or raised the error in a program of its own, reads both in `str()`. Neither part ever holds a key, a
    transcript or an audio byte.

    Args:
        message: What happened and whether to try again, for anybody: no address, no setting, no word of the provider's.
        retryable: Whether the same request may succeed later.
        status: The HTTP status, where there was one.
        operator_detail: Where it happened, what the provider said, and what setting to look at.
    """

    message: str
    retryable: bool = True
    status: int | None = None
    operator_detail: str = ""

    def __str__(self) -> str:
        return f"{self.message} ({self.operator_detail})" if self.operator_detail else self.message

    def _unsaid(self) -> str:
        return f"the provider raised {type(self).__name__}"


class UpstreamTimeout(UpstreamError):
    """A provider did not answer within the time a limit gives it."""


@frozen(str=False, field_transformer=check_fields)
class RequestRefused(VoxintError):
    """A session does not take a request, or a change of its settings; nothing has begun and nothing has changed.

    Args:
        kind: `live` (a request of that id is live already), `busy` (a stage has no seat left, or too many interrupted
            requests have not let go), `no_ears` (the agent has no speech recognition), `too_large` (a longer text or
            utterance, or more settings, than a session may have) or `not_offered` (the agent has no such voice, or
            can't be told such a language).
        message: What is wrong, for the person who reads the caller's log.
        limit: The field of `Limits` that refuses it, or `seats`; the field of `Settings` that is not offered. Empty:
            none.
    """

    kind: Literal["live", "busy", "no_ears", "too_large", "not_offered"]
    message: str
    limit: str = ""

    @property
    def retryable(self) -> bool:
        """Whether the same request may be taken in a moment."""
        return self.kind == "busy"

    def __str__(self) -> str:
        return self.message


@frozen(str=False, field_transformer=check_fields)
class RequestFailed(VoxintError):
    """A reply has failed, as an application sees it in its own process.

    Args:
        kind: `upstream` (a provider failed), `timeout` (something took too long), `too_large` (the recogniser is too
            far behind the upload), `busy` (there is no room for a spoken turn now) or `internal` (a bug of voxint's).
        message: What happened; never a transcript, a key or an audio byte.
        retryable: Whether the same request may succeed later.
        stage: ``stt``, ``llm`` or ``tts`` where a provider was at fault.
        detail: What a provider's adapter says beside, for who runs the program: where, and what to do about it.
        error_id: By which the log has it.

    Its `__cause__` is the exception behind it, where there was one: in a program of one's own that is nobody else's.
    """

    kind: Literal["upstream", "timeout", "too_large", "busy", "internal"]
    message: str
    retryable: bool = False
    stage: str | None = None
    detail: str = ""
    error_id: str | None = None

    def __str__(self) -> str:
        where = f" in {self.stage}" if self.stage else ""
        return f"{self.kind}{where}: {self.message}" + (f" ({self.detail})" if self.detail else "")


@frozen(str=False, field_transformer=check_fields)
class ServerError(VoxintError):
    """The server answered with ERROR, as a client sees it.

    Args:
        code: The protocol's error code.
        message: The server's words.
        detail: The server's ``error_detail``.
        retryable: Whether the server says that trying again may help.
        stage: ``stt``, ``llm`` or ``tts`` where a provider was at fault.
        error_id: What the server's operator looks up in its log; None where the server gave none.
    """

    code: str
    message: str
    detail: str = ""
    retryable: bool = False
    stage: str | None = None
    error_id: str | None = None

    def __str__(self) -> str:
        where = f" in {self.stage}" if self.stage else ""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.code}{where}: {self.message}{detail}" + (f" [error {self.error_id}]" if self.error_id else "")


class Disconnected(ServerError):
    """The connection ended before the answer did."""


class ReplyOverflow(VoxintError):
    """A reply was not read while more of it came than the client keeps."""


class OutsideTrio(VoxintError, RuntimeError):
    """A call was made in asyncio, or where no event loop runs; voxint runs on trio. Nothing was opened or changed."""
