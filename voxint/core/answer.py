"""What one request says, in order: to its player and to who else listens, and nothing after its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf

import trio

from voxint.core.alarms import Alarm, Alarms
from voxint.core.audio import BYTES_PER_SAMPLE
from voxint.core.events import Called, Ended, Said, Text, Understood, Voice
from voxint.core.journal import Journal, Seen
from voxint.core.listener import Listener
from voxint.core.pieces import PIECE_SIZE, OtherPiece, TextPiece, VoicePiece
from voxint.core.playout import PlayoutLedger
from voxint.core.stages import ToolCall

__all__ = ["ROOM", "STALL_S", "Answer"]

ROOM = 32_768
"""What one request may have waiting for its player, in bytes of audio and characters of text: a second of 16 kHz
audio. Chosen so that a reader that stalls for a moment costs nothing and one that stalls for good holds little."""

STALL_S = 1.0
"""How long the player may take nothing while others listen, or let playback stand in one answer; ours: they would
notice more, and one that reads at all takes a piece within a tenth of it."""


class Answer:
    """The output of one request.

    Its player is the listener whose progress counts: what it takes is sent, and the request waits for its room. All
    others hear the same and are not waited for. Without a player the request goes on until as much waits as the
    journal keeps. Text that waits is joined; voice goes piece by piece. Everything is refused after `silence`, so a
    stage that takes its time to stop reaches nobody.

    Args:
        request_id: The client's id of the request.
        ledger: Accounts for what was written and sent.
        spoken: Whether the answer has a voice stream.
        player: Whose progress counts; None while nobody listens.
        listeners: Who hears the session; the session's own list, which changes.
        journal: Keeps the latest of what was said.

    Attributes:
        called: The functions that the player was asked to call.
        ended: Its end, once it was said.
        plays_until: Until when the player has something to play of what it was sent again, on trio's clock.
    """

    __slots__ = (
        "_behind",
        "_listeners",
        "_most",
        "_on_room",
        "_room",
        "_said",
        "_stall",
        "_texts_taken",
        "_voiced",
        "_voices_taken",
        "_waiting",
        "called",
        "ended",
        "journal",
        "ledger",
        "player",
        "plays_until",
        "request_id",
        "silent",
        "spoken",
    )

    def __init__(
        self,
        request_id: str,
        ledger: PlayoutLedger,
        *,
        spoken: bool,
        player: Listener | None,
        listeners: Sequence[Listener] = (),
        journal: Journal | None = None,
    ) -> None:
        self.request_id = request_id
        self.ledger = ledger
        self.spoken = spoken
        self.player = player
        self.journal = Journal(0) if journal is None else journal
        self.called: list[Called] = []
        self.silent = False
        self.ended: Ended | None = None
        self.plays_until = -1.0
        self._listeners = listeners
        self._behind: dict[Listener, tuple[int, float]] = {}  # who was sent samples again, from which on, and when
        self._said = 0  # characters of text
        self._voiced = 0  # samples
        self._texts_taken = self._voices_taken = 0  # by players
        self._waiting = 0
        self._most = ROOM if player is not None else self.journal.most_bytes
        self._room = trio.lowlevel.ParkingLot()
        self._on_room: Callable[[], None] | None = None
        self._stall: Alarm | None = None

    @property
    def full(self) -> bool:
        """Whether the next piece would have to wait for the player."""
        return self._waiting >= self._most

    async def room(self) -> None:
        """Wait until there is room. Bounded by the request's own deadline: a sole reader may stall for so long."""
        while self.full and not self.silent:
            await self._room.park()

    async def flushed(self) -> None:
        """Wait until the player has taken everything. Bounded by the request's own deadline.

        Without a player it waits for one: what nobody has taken was not answered. A session that stays alone ends
        before that.
        """
        while self._waiting:
            await self._room.park()

    def sounding(self, now: float, back_ms: float, ahead_ms: float) -> tuple[bytes, float]:
        """Return the speech that the player has sounded lately, and what it sounds next.

        Args:
            now: The time.
            back_ms: From how long before now, in milliseconds of speech.
            ahead_ms: Until how long after it, at most.

        Returns:
            The speech, and how many milliseconds of it come after now. Without any, none was kept.
        """
        output, heard = self.ledger.audio_format, self.ledger.heard_samples(now)
        end = min(self._voiced, heard + output.samples(ahead_ms))
        begin = max(0, heard - output.samples(back_ms))
        before_end = [(self._voiced - at) * BYTES_PER_SAMPLE for at in (begin, end)]
        return self.journal.latest_voice(*before_end), output.ms(end - heard)

    def when_room(self, tell: Callable[[], None]) -> None:
        """Call `tell` whenever there may be room again, or another player, or none: in that step. It must not raise."""
        self._on_room = tell

    def watch_player(self, alarms: Alarms) -> None:
        """Drop a player that takes nothing for `STALL_S` while others listen; alone it is waited for."""
        self._stall = alarms.alarm(self._drop_stalled)

    def _drop_stalled(self) -> None:
        if self._waiting:
            self.drop_player()

    def drop_player(self) -> None:
        """End the player where others listen: they wait with it. Alone it may be as slow as it is."""
        if self.player is not None and len(self._listeners) > 1:
            self.player.drop()

    def text(self, text: str, *, protected: bool = False) -> None:
        """Say text, joined to what still waits; where it is protected, no voice may interrupt while it is spoken."""
        hearers = self._hearers()
        if self.silent:
            return
        self.ledger.wrote_text(text, protected=protected)
        self._said += len(text)
        self.journal.add(Text(text))
        if self.player is None:
            self._waiting += PIECE_SIZE + len(text)
        for listener in hearers:
            self._queue_text(listener, text, self._said)
        if len(hearers) > 1:
            self._expect_progress()

    def voice(self, *pieces: bytes) -> None:
        """Say pieces of audio, whole samples each, which may leave together."""
        hearers = self._hearers()
        if self.silent:
            return
        said = []
        for audio in pieces:
            self._voiced += len(audio) // BYTES_PER_SAMPLE
            event = Voice(audio)
            self.journal.add(event)
            said.append((event, self._voiced))
            self._waiting += PIECE_SIZE + len(audio)
        for listener in hearers:
            listener.queue(*[VoicePiece(self, listener, event, upto) for event, upto in said])
        if len(hearers) > 1:
            self._expect_progress()

    def call(self, call: ToolCall) -> None:
        """Say a function call; text after it is a piece of its own."""
        self._say(Called(call.name, call.arguments, call.call_id))

    def understood(self, text: str, *, is_final: bool) -> None:
        """Say what was understood of the user's voice."""
        self._say(Understood(text, is_final))

    def _say(self, event: Called | Understood) -> None:
        hearers = self._hearers()
        if self.silent:
            return
        self.journal.add(event)
        if self.player is None:
            self._waiting += PIECE_SIZE
        for listener in hearers:
            self._queue_other(listener, event)
        if len(hearers) > 1:
            self._expect_progress()

    def _hearers(self) -> Sequence[Listener]:
        """Return who hears what is said now; one that is not the player and does not read is dropped.

        To drop the last but one that is leaving silences the answer: look at `silent` behind it.
        """
        player = self.player
        if player is not None and len(self._listeners) < 2:
            return (player,)
        hearers = []
        for listener in tuple(self._listeners):
            if listener is player:
                continue
            if listener.too_slow:
                listener.drop()
            else:
                hearers.append(listener)
        # The player comes last: what it takes makes room for more, which all others must have behind this.
        return hearers if player is None else [*hearers, player]

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let all that is queued in the block leave at its end, in one write: the end, and who tells of it."""
        hearers = self._hearers()
        for listener in hearers:
            listener.hold()
        try:
            yield
        finally:
            for listener in hearers:
                listener.go_on()

    def let_go(self) -> None:
        """Forget who was to be told of room: the request has ended."""
        self._on_room = self._stall = None

    def silence(self) -> None:
        """Throw away what waits and refuse everything but the end."""
        if not self.silent:
            self.silent = True
            for listener in self._hearers():
                listener.discard(self)
            self.journal = Journal(0)  # nobody lacks anything of it but its end
            self._waiting = 0
            self._room.unpark_all()

    def end(self, ended: Ended) -> None:
        """Say the one end behind what was sent; nothing comes after it."""
        if self.ended is not None:
            return
        self.ended = ended
        self.silent = True
        for listener in self._hearers():
            listener.post(Said(self.request_id, ended, self.spoken))

    @property
    def to_come(self) -> Seen:
        """What a listener has behind it that wants what comes from now on: what no player has taken yet."""
        return Seen(self._texts_taken, self._voices_taken) if self.player is None else self.journal.end

    def catch_up(self, listener: Listener, seen: Seen) -> Seen:
        """Queue for a listener that has come what it lacks of what is kept.

        Args:
            listener: Who has come; not the player.
            seen: What it has.

        Returns:
            What was said before the first piece that it gets: `seen`, or more where something is kept no more.
        """
        seen = self.journal.reach(seen)
        chars, samples = self._said, self._voiced
        pieces = list(self.journal.after(seen))
        for piece in pieces:
            if isinstance(piece, Text):
                chars -= len(piece.text)
            elif isinstance(piece, Voice):
                samples -= len(piece.audio) // BYTES_PER_SAMPLE
        if samples < self._voiced:
            self._behind[listener] = (samples, trio.current_time())
        for piece in pieces:
            if isinstance(piece, Text):
                chars += len(piece.text)
                self._queue_text(listener, piece.text, chars)
            elif isinstance(piece, Voice):
                samples += len(piece.audio) // BYTES_PER_SAMPLE
                listener.queue(VoicePiece(self, listener, piece, samples))
            else:
                self._queue_other(listener, piece)
        if self.ended is not None:
            listener.post(Said(self.request_id, self.ended, self.spoken))
        self._expect_progress()
        return seen

    def _expect_progress(self) -> None:
        """Give the player its time, where something waits for it and others listen."""
        if self._waiting and self._stall is not None and self._stall.due == inf:
            self._stall.set(trio.current_time() + STALL_S)

    def forget(self, listener: Listener) -> None:
        """Let go of what is known of a listener that has gone."""
        self._behind.pop(listener, None)

    def play_to(self, listener: Listener | None) -> None:
        """Make `listener` the player: from now on its progress counts, and what it has taken so far has been sent.

        None: nobody is, and what waits is what the last one has not taken.
        """
        self.player = listener
        self._room.unpark_all()
        if listener is None:
            self._most = self.journal.most_bytes
            if self._on_room is not None:
                self._on_room()
            return
        self._most = ROOM
        waiting = [item for item in listener.waiting(self) if isinstance(item, TextPiece | VoicePiece | OtherPiece)]
        self._waiting = sum(item.size for item in waiting)
        now = trio.current_time()
        texts = [item for item in waiting if isinstance(item, TextPiece)]
        voices = [item for item in waiting if isinstance(item, VoicePiece)]
        calls = [item for item in waiting if isinstance(item, OtherPiece) and isinstance(item.event, Called)]
        self.ledger.shown_until(self._said - sum(len(part) for item in texts for part in item.parts))
        self.ledger.sent_until(self._voiced - sum(len(item.event.audio) for item in voices) // BYTES_PER_SAMPLE, now)
        end = self.journal.end
        untaken = sum(len(item.parts) for item in texts) + len(calls)
        self._texts_taken, self._voices_taken = end.texts - untaken, end.voices - len(voices)
        if (behind := self._behind.pop(listener, None)) is not None:
            begin, at = behind
            self.ledger.resent(begin, at)
            self.plays_until = at + (self._voiced - begin) / self.ledger.audio_format.rate
        if self._on_room is not None:
            self._on_room()

    def _queue_text(self, listener: Listener, text: str, upto: int) -> None:
        """Queue text for one listener, joined to what waits."""
        growing = listener.growing
        joined = isinstance(growing, TextPiece) and growing.owner is self and growing.size < ROOM
        size = len(text) if joined else PIECE_SIZE + len(text)
        if listener is self.player:
            self._waiting += size
        if isinstance(growing, TextPiece) and joined:
            growing.parts.append(text)
            growing.upto = upto
            growing.size += size
            listener.grew(size)
        else:
            listener.growing = piece = TextPiece(self, listener, text, upto)
            listener.queue(piece)

    def _queue_other(self, listener: Listener, event: Called | Understood) -> None:
        if isinstance(event, Called):
            listener.growing = None
        piece = OtherPiece(self, listener, event)
        if listener is self.player:
            self._waiting += piece.size
        listener.queue(piece)

    def took(self, size: int, texts: int, voices: int) -> None:
        """Account for a piece that the player has taken."""
        was_full = self.full
        self._waiting -= size
        self._texts_taken += texts
        self._voices_taken += voices
        if self._stall is not None and self._stall.due < inf:
            self._stall.due = inf
            self._expect_progress()
        if not self.full:
            self._room.unpark_all()
            if was_full and self._on_room is not None:
                self._on_room()
