"""What a provider wrote, made fit for any wire."""

from __future__ import annotations

__all__ = ["encodable", "text_bytes"]


def encodable(text: str) -> str:
    """Return `text` as a plain str that any wire can carry.

    A half surrogate, which is left where an emoji was cut in two, becomes a replacement character; NUL, at which other
    people's programs end a text, goes.
    """
    text = str(text) if type(text) is not str else text
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text


def text_bytes(text: str) -> int:
    """Return about how many bytes of memory `text` takes: with one emoji in it, every character takes four."""
    return len(text) if text.isascii() else 4 * len(text)
