"""What a client is told in several places, or in a place that has no room for it: whose fault, and what to do."""

from __future__ import annotations

__all__ = [
    "ALWAYS_OPEN",
    "DEAF",
    "EMPTY_TEXT",
    "FAILED",
    "MICROPHONE_TAKEN",
    "NO_MESSAGE",
    "NO_RESULTS",
    "OTHER_SESSION",
    "REGISTERED",
    "SHUTTING_DOWN",
    "STRAY_AUDIO",
    "STRAY_END",
    "not_granted",
    "silence",
]

# Some of these are the reason of a Close, which has room for 123 bytes.

SHUTTING_DOWN = "the server is shutting down: connect again in a moment"

FAILED = "the server failed on this connection, and its log says how: connect again"

NO_MESSAGE = "this is no message of the protocol; the ERROR before says what is wrong with it"

OTHER_SESSION = "`session_id` must be the one that this connection's REGISTER_ACK gave"

REGISTERED = "this connection has registered already: change settings by update_session in a REQUEST"

NO_RESULTS = "this server takes no FUNCTION_RESULT: it grants no feature for that"

EMPTY_TEXT = "the text is empty: there is nothing to answer"

STRAY_AUDIO = "audio came without the start frame of an upload: it is ignored, and so is what follows"

STRAY_END = "an end frame came for an upload that has not begun: send its start frame first"


ALWAYS_OPEN = (
    "`stream_flag` must be false: the microphone is always open (server_vad), so audio belongs to no upload; send it"
    " without a REQUEST, or a whole recording as BASE64"
)

MICROPHONE_TAKEN = "another connection of this session has the microphone: what this one sends is not heard"

DEAF = "the voice detector has failed: nothing is heard for a moment; text is answered as ever"


def not_granted(mode: str) -> str:
    """Return why an INTERRUPT of another mode than commit is refused."""
    return f"`mode` must be commit, or be left out: to {mode}, ask for the feature hold in REGISTER"


def silence(register_s: float, heard_s: float, *, registered: bool) -> str:
    """Return why a connection is closed on which too long nothing came.

    Args:
        register_s: How long it had to register.
        heard_s: How long a registered one may say nothing.
        registered: Which of them it was.
    """
    if registered:
        return f"nothing came from the client for {heard_s:g} s: let it answer each HEARTBEAT"
    return f"no REGISTER was accepted within {register_s:g} s: send it first"
