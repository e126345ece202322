"""A receipt as a person reads it."""

from __future__ import annotations

from voxint.core.receipt import Receipt

__all__ = ["receipt_lines"]


def receipt_lines(receipt: Receipt | None, took_s: float | None = None) -> list[str]:
    """Return the lines that tell what an interruption stopped, saved and cost.

    Args:
        receipt: The server's, or None where there was nothing left to stop.
        took_s: Seconds from the interrupt to its acknowledgement, as seen from here; None: it was not asked from here.
    """
    if receipt is None:
        return ["nothing to interrupt: the answer had been sent and heard to its end"]
    usage, audio, text = receipt.usage, receipt.audio, receipt.text
    tokens = "unknown" if usage.llm_tokens is None else f"{usage.llm_tokens} ({usage.source})"
    stages = ", ".join(f"{stage} {state}" for stage, state in receipt.stages.items() if state != "idle")
    times = f"stopped in {receipt.stop_ms:.1f} ms"
    if took_s is not None:
        times += f", acknowledged after {took_s * 1000:.1f} ms"
    if receipt.read_late_ms is not None:
        times += f"; read up to {receipt.read_late_ms:.0f} ms late, for the server was held up"
    heard = f"“{text.heard.strip()}”" if text.heard.strip() else "nothing yet"
    return [
        f"interrupted ({receipt.reason}): {times}",
        f"  stages  {stages or 'none had begun'}",
        f"  tokens  {tokens}; {usage.tts_characters} characters given to speech",
        f"  speech  {_s(audio.generated_ms)} generated, {_s(audio.sent_ms)} sent, {_s(audio.heard_ms)} heard"
        f" ({audio.source})",
        f"  text    {text.generated_chars} characters written; heard: {heard}",
    ]


def _s(ms: float) -> str:
    return f"{ms / 1000:.2f} s"
