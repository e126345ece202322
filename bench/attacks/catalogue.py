"""Every attack, by name and in the order in which they are run."""

from __future__ import annotations

from collections.abc import Mapping

from bench.attacks import judges
from bench.attacks.attack import Attack, Sections
from bench.attacks.clients import doors, floods, frames, guesses, loop, microphones, strangers, turns, upstream

__all__ = ["CATALOGUE"]

PLACES = 50
FEW: Sections = {"server": {"max_connections": PLACES}}
SPHINX: Sections = {"stt": {"provider": "pocketsphinx"}}
SILERO: Sections = {"vad": {"provider": "silero"}}
ESPEAK: Sections = {"tts": {"provider": "espeak"}}

UNFINISHED_MIB = 20.0
"""For 200 unfinished messages: the project's aim."""

ALLOWED_MIB = 64.0
"""For what registered callers send and an upstream answers: eight frames of the largest size. Ours."""

REMEMBERED_MIB = 8.0
"""For one session that says much: its bound is 1 MB, the rest is a few of its texts under way. Ours."""

ALLOWED = judges.memory_bounded(ALLOWED_MIB, ALLOWED_MIB)


def _frame(kind: str, what: str) -> Attack:
    return Attack("frames", what, frames.big_frame(kind), ALLOWED)


def _upstream(name: str, what: str, *, tool: bool = False) -> Attack:
    return Attack("upstreams", what, upstream.provoke(name, tool=tool), ALLOWED, hostile=True)


CATALOGUE: Mapping[str, Attack] = {
    "stderr_unread": Attack("loop", "nobody reads the log's pipe", loop.ask_shortly, stderr="unread"),
    "stderr_full": Attack("loop", "the log's disk is full", loop.ask_shortly, stderr="full"),
    "sighup": Attack("loop", "SIGHUP", loop.hang_up, judges.still_there),
    "settings_8mb": _frame("settings", "8 MB of functions in a REQUEST"),
    "integers_8mb": _frame("integers", "8 MB of integers"),
    "result_8mb": _frame("result", "8 MB of FUNCTION_RESULT"),
    "nested_deep": _frame("deep", "4 million lists in one another"),
    "nested_wide": _frame("wide", "2.8 million lists beside one another"),
    "text_8mb": _frame("text", "a text of 8 MB"),
    "voice_8mb": _frame("voice", "8 MB of BASE64 voice, which is allowed"),
    "escapes": _frame("escapes", "a text of escapes, which is allowed"),
    "frames_all": Attack("frames", "all of them, 4 callers", frames.every_big_frame, judges.memory_bounded(128.0)),
    "prompt_error": Attack(
        "frames",
        "a failure that nearly repeats a long question",
        upstream.provoke("prompt_error", letters=65_000),
        ALLOWED,
        hostile=True,
    ),
    "silent": Attack("strangers", "60 want 50 places, 20 addresses", strangers.hold_places, judges.all_admitted, FEW),
    "silent_beside": Attack(
        "strangers", "60 want 50 places, the callers' address", strangers.hold_places_beside, judges.all_admitted, FEW
    ),
    "unfinished": Attack(
        "strangers", "200 messages without an end", strangers.leave_unfinished, judges.memory_bounded(UNFINISHED_MIB)
    ),
    "heads": Attack("strangers", "200 halves of a head", doors.halve_heads, judges.memory_bounded(UNFINISHED_MIB)),
    "slow_loris": Attack("strangers", "100 heads, a byte a second", doors.creep),
    "connect_flood": Attack("strangers", "connect and close", doors.flood_connections),
    "tls_garbage": Attack("strangers", "TLS and noise", doors.speak_tls),
    "guesses": Attack("strangers", "keys, one address", guesses.guess_keys(1), judges.guesses_slowed(1)),
    "guesses_many": Attack("strangers", "keys, 20 addresses", guesses.guess_keys(20), judges.guesses_slowed(20)),
    "passwords": Attack("strangers", "passwords, one address", guesses.guess_passwords(1), judges.guesses_slowed(1)),
    "wrong_names": Attack("strangers", "pages by other names", doors.wrong_names, judges.nothing_told, keyed=False),
    "foreign_pages": Attack(
        "strangers", "pages of a foreign origin", doors.foreign_pages, judges.pages_refused, keyed=False
    ),
    "asks": Attack("callers", "one session asks and asks", floods.ask_and_ask, judges.calls_bounded),
    "emoji": Attack(
        "callers",
        "66 texts of emoji in one session",
        floods.have_remembered,
        judges.memory_bounded(REMEMBERED_MIB),
    ),
    "slow_uploads": Attack("callers", "4 uploads of 64 B/s", turns.creep_uploads, judges.honest_served, SPHINX),
    "synthesis": Attack("callers", "50 answers spoken by one key", turns.hog_synthesis, judges.honest_served, ESPEAK),
    "chatter": Attack("callers", "the smallest messages, at full speed", floods.chatter, ALLOWED),
    "microphones": Attack("callers", "4 microphones at full speed", floods.pour_microphone, ALLOWED),
    "microphones_open": Attack("callers", "50 open microphones", microphones.keep_open, ALLOWED, SILERO),
    "microphone_flood": Attack("callers", "4 open ones at full speed", microphones.flood_open, ALLOWED, SILERO),
    "never_reads": Attack("callers", "8 callers who read nothing", floods.never_read, ALLOWED),
    "gzip_bomb": _upstream("gzip_bomb", "1 GiB of zeros in 1 MB"),
    "gzip_comments": _upstream("gzip_comments", "1 GiB of comments in 5 MB"),
    "gzip_words": _upstream("gzip_words", "1 GiB of words in 5 MB"),
    "gzip_gzip": _upstream("gzip_gzip", "the same, twice compressed"),
    "gzip_refusal": _upstream("gzip_refusal", "the same as a failure's words"),
    "endless_text": _upstream("endless_text", "words without end"),
    "endless_line": _upstream("endless_line", "one event without end"),
    "endless_arguments": _upstream("endless_arguments", "a call's arguments without end", tool=True),
    "endless_calls": _upstream("endless_calls", "calls without end", tool=True),
    "endless_headers": _upstream("endless_headers", "a head without end"),
    "comment_flood": _upstream("comment_flood", "comments without end"),
    "usage": Attack("upstreams", "9e18 tokens", upstream.provoke("usage"), judges.answers_stand, hostile=True),
    "cut_after_done": Attack(
        "upstreams", "cut after [DONE]", upstream.provoke("cut_after_done"), judges.answers_stand, hostile=True
    ),
    "cut_after_finish": Attack(
        "upstreams", "cut after the finish", upstream.provoke("cut_after_finish"), judges.answers_stand, hostile=True
    ),
    "secret_errors": _upstream("secret_errors", "failures that repeat the key"),
}
