"""What goes wrong at an OpenAI-compatible server, in our words for the caller and with its own for the operator."""

from __future__ import annotations

from attrs import define, evolve, field

from voxint.core.stages import Turn
from voxint.errors import UpstreamError
from voxint.providers._openai_chunk import Unreadable, loads
from voxint.providers._openai_secrets import Secrets
from voxint.providers._openai_words import shown

__all__ = ["Provider", "is_failure", "refusal_words"]

WORDS_DEPTH = 3  # {"error": {"message": …}} is two deep; deeper ones nobody writes for people

_WORDS = ("error", "message", "detail", "msg", "error_msg", "status_msg", "base_resp")
"""The fields in which servers tell a failure to people, in the order of trust. No other field is quoted: some repeat
the request."""

_CODES = ("code", "status", "status_code", "error_code", "http_code")


@define
class Provider:
    """Who answers, and how its failures are worded.

    The caller of a voice service is a stranger to its operator, and to the provider: it gets a sentence of ours, which
    names neither. Place, status, advice and the provider's words, blotted, are the operator's.

    Args:
        place: Host and port.
        model: The model's name.
        key_env: The variable that holds the key.
        secrets: Key and header values, to blot them out of what the provider says.
        turn: What it was asked: a person's words, blotted out as well.
    """

    place: str
    model: str
    key_env: str | None
    secrets: Secrets = field(repr=False)
    turn: Turn = field(default=Turn(()), repr=False)

    def asked(self, turn: Turn) -> Provider:
        """Return the same with what it is asked now."""
        return evolve(self, turn=turn)

    def refused(self, status: int, said: str) -> UpstreamError:
        """Return the error for an HTTP status other than 200."""
        retryable = status in (408, 409, 425, 429) or status >= 500
        detail = f"{self.place} answered {status}: {self._advice(status)}{self._quoted(said)}"
        return UpstreamError(_sentence(status), retryable, status, detail)

    def failed(self, found: object) -> UpstreamError:
        """Return the error for a failure that was told inside of an answer, in the form of its JSON."""
        said = _words(found)
        status = _status(found)
        if status is not None:
            return self.refused(status, said)
        detail = f"{self.place} failed in mid-answer{self._quoted(said)}"
        return UpstreamError("the model's provider failed while it answered; try again", operator_detail=detail)

    def stopped(self, reason: str, *, empty: bool) -> UpstreamError | None:
        """Return the error that a finish reason means; None where it is a good end.

        An answer that was cut before its first word is none: a caller would wait for one that never comes.
        """
        if reason in ("error", "network_error", "insufficient_system_resource", "abort"):
            return self.failed(f"finish_reason {reason}")
        if reason == "length" and empty:
            return UpstreamError(
                "the model's tokens were used up before its first word; tell the operator of this service",
                retryable=False,
                operator_detail=f"{self.place}: raise the limit of tokens in extra_body, or turn {self.model}'s "
                "thinking off",
            )
        if reason == "content_filter" and empty:
            return UpstreamError(
                "the model's provider held its answer back; ask for something else",
                retryable=False,
                operator_detail=f"{self.place} ended with finish_reason content_filter",
            )
        return None

    def nonsense(self, what: str) -> UpstreamError:
        """Return the error for an answer that is not what the protocol says."""
        return UpstreamError(
            "the model's provider sent what is no answer; tell the operator of this service",
            operator_detail=f"{self.place} sent {what}: is it OpenAI-compatible, and {self.model} fit for this?",
        )

    def cut_off(self) -> UpstreamError:
        """Return the error for a stream that ended before its end was said."""
        return UpstreamError(
            "the model's provider broke the answer off before its end; try again",
            operator_detail=f"{self.place} ended the stream without a finish_reason and without [DONE]",
        )

    def empty(self, sent: str) -> UpstreamError:
        """Return the error for a response that holds no answer; `sent` says what came in its place."""
        return UpstreamError(
            "the model's provider sent no answer; try again",
            operator_detail=f"{self.place} sent {sent}: check that base_url is an API's, and the provider's own log",
        )

    def _advice(self, status: int) -> str:
        match status:
            case 401 | 403 if self.key_env is None:
                return "it wants a key; name the environment variable that holds it in api_key_env"
            case 401 | 403:
                return f"it refuses the key; check the environment variable {self.key_env}"
            case 404:
                return f"it does not know the URL or the model {self.model}; check base_url and model"
            case 429:
                return "too many requests, or no credit left; try again later"
            case _ if 300 <= status < 400:
                return "it redirects, which is not followed; set base_url to where it leads"
            case _ if _is_overload(status):
                return "it is overloaded or failing; try again later"
            case _:
                return "it does not accept the request; check model, headers and extra_body"

    def _quoted(self, said: str) -> str:
        words = self.quoted(said)
        return f"; it says: {words}" if words else ""

    def quoted(self, said: str) -> str:
        """Return words of the provider as its operator may read them; see `shown`."""
        return shown(said, self.secrets, (message.content for message in self.turn.messages))


def _is_overload(status: int) -> bool:
    return status >= 500 or status in (408, 409, 425)


def _sentence(status: int) -> str:
    """Return what a caller reads of a refusal: whether to try again, or whom to tell."""
    if status == 429:
        return "the model's provider has no room for the request; try again later"
    if _is_overload(status):
        return "the model's provider is overloaded or failing; try again later"
    if status in (401, 403):
        return "the model's provider does not let this service in; tell its operator"
    return "the model's provider does not accept the request; tell the operator of this service"


def is_failure(found: object) -> bool:
    """Return whether JSON that holds no answer tells a failure."""
    if not isinstance(found, dict):
        return False
    return "error" in (found.get("object"), found.get("type")) or bool(_words(found)) or _status(found) is not None


def refusal_words(body: bytes) -> str:
    """Return what an error body says to people; nothing of a page of HTML, or of JSON in a form of its own."""
    try:
        found = loads(body)
    except Unreadable:
        return "" if body.lstrip()[:1] in (b"<", b"{", b"[", b'"') else body.decode("utf-8", "replace")
    return _words(found)


def _words(found: object, depth: int = WORDS_DEPTH) -> str:
    """Return the words for people in one of the forms that OpenAI, Gemini, FastAPI, vLLM and others have for them."""
    if isinstance(found, str):
        return found.encode("utf-8", "replace").decode()
    if not depth:
        return ""
    if isinstance(found, list):  # Gemini wraps its own in a list, and FastAPI has several complaints
        return "; ".join(filter(None, (_words(each, depth - 1) for each in found if isinstance(each, dict))))
    if isinstance(found, dict):
        return next(filter(None, (_words(found.get(name), depth - 1) for name in _WORDS)), "")
    return ""


def _status(found: object) -> int | None:
    """Return the HTTP status that a failure bears as its code, if it bears one."""
    if not isinstance(found, dict):
        return None
    for code in (*(found.get(name) for name in _CODES), _status(found.get("error"))):
        number = int(code) if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) == 3 else code
        if isinstance(number, int) and 400 <= number < 600:
            return number
    return None
