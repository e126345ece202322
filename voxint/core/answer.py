"""What one request says, in order: to its player and to who else listens, and nothing after its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf

import trio

from voxint.core.alarms import Alarms
from voxint.core.audio import BYTES_PER_SAMPLE
from voxint.core.events import (
    Called,
    Ended,
    Event,
    Held,
    Released,
    ReleaseReason,
    Said,
    Text,
    Voice,
)
from voxint.core.hearers import Hearers
from voxint.core.holding import Holding
from voxint.core.journal import Journal, Seen
from voxint.core.listener import Listener
from voxint.core.pieces import (
    PIECE_SIZE,
    ROOM,
    Other,
    OtherPiece,
    VoicePiece,
    growth,
    marks_pieces,
    queue_text,
    untaken,
)
from voxint.core.playout import PlayoutLedger

__all__ = ["Answer"]


class Answer:
    """The output of one request.

    Its player is the listener whose progress counts: what it takes is sent, and the request waits for its room. All
    others hear the same and are not waited for. Without a player the request goes on until as much waits as the
    journal keeps. Text that waits is joined; voice goes piece by piece. Everything is refused after `silence`, so a
    stage that takes its time to stop reaches nobody.

    Held, it takes back what waits and lets nothing leave, text neither, until it is released.

    Args:
        request_id: The client's id of the request.
        ledger: Accounts for what was written and sent.
        spoken: Whether the answer has a voice stream.
        player: Whose progress counts; None while nobody listens.
        listeners: Who hears the session; the session's own list, which changes.
        journal: Keeps the latest of what was said.
        ends_silently: Whether nothing is said of a complete end, which an event has told before.

    Attributes:
        called: The functions that the player was asked to call.
        ended: Its end, once it was said.
        holding: Whether it is held, and what that does.
        plays_until: Until when the player has something to play of what it was sent again, on trio's clock.
    """

    __slots__ = (
        "_behind",
        "_hearers",
        "_most",
        "_on_room",
        "_room",
        "_said",
        "_texts_taken",
        "_voiced",
        "_voices_taken",
        "_waiting",
        "called",
        "ended",
        "ends_silently",
        "holding",
        "journal",
        "ledger",
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
        ends_silently: bool = False,
    ) -> None:
        self.request_id = request_id
        self.ledger = ledger
        self.spoken = spoken
        self.journal = Journal(0) if journal is None else journal
        self.called: list[Called] = []
        self.silent = False
        self.ends_silently = ends_silently
        self.holding = Holding(ledger)
        self.ended: Ended | None = None
        self.plays_until = -1.0
        self._hearers = Hearers(player, listeners)
        # Who is sent samples again, from which on, and when; inf: they wait.
        self._behind: dict[Listener, tuple[int, float]] = {}
        self._said = self._voiced = 0  # characters of text, samples
        self._texts_taken = self._voices_taken = self._waiting = 0  # by players; for the player
        self._most = ROOM if player is not None else self.journal.most_bytes
        self._room = trio.lowlevel.ParkingLot()
        self._on_room: Callable[[], object] = bool

    @property
    def player(self) -> Listener | None:
        """Whose progress counts; None while nobody listens."""
        return self._hearers.player

    @property
    def full(self) -> bool:
        """Whether the next piece would have to wait for the player."""
        return self._waiting >= self._most or self.holding.full(self._said)

    async def room(self) -> None:
        """Wait until there is room. Bounded by the request's own deadline: a sole reader may stall for so long."""
        while self.full and not self.silent:
            await self._room.park()

    async def flushed(self) -> None:
        """Wait until the player has taken everything. Bounded by the request's own deadline.

        Without a player it waits for one: what nobody has taken was not answered. A session that stays alone ends
        before that. Held, it waits for the release.
        """
        while self._waiting or self.holding.since is not None:
            await self._room.park()

    def when_room(self, tell: Callable[[], None]) -> None:
        """Call `tell` whenever there may be room again, or another player, or none: in that step. It must not raise."""
        self._on_room = tell

    def watch_player(self, alarms: Alarms) -> None:
        """Drop a player that takes nothing for `STALL_S` while others listen; alone it is waited for."""
        self._hearers.watch_player(alarms, lambda: self._waiting > 0 and not self.holding.keeps_back)

    def drop_player(self) -> None:
        """End the player where others listen: they wait with it. Alone it may be as slow as it is."""
        self._hearers.drop_player()

    def text(self, text: str, *, protected: bool = False) -> None:
        """Say text, joined to what still waits; where it is protected, no voice may interrupt while it is spoken."""
        hearers = self._about_to_say()
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
            self._hearers.expect_progress()

    def voice(self, *pieces: bytes) -> None:
        """Say pieces of audio, whole samples each, which may leave together; none: what is marked behind the last."""
        hearers, begin = self._about_to_say(), self._voiced
        if self.silent:
            return
        said = []
        for audio in self.holding.faded(pieces):
            self._voiced += len(audio) // BYTES_PER_SAMPLE
            event = Voice(audio)
            self.journal.add(event)
            said.append((event, self._voiced))
            self._waiting += PIECE_SIZE + len(audio)
        for each in hearers:
            marks = marks_pieces(self, begin, self._voiced) if each.marks else ()
            each.queue(*marks, *[VoicePiece(self, each, event, upto) for event, upto in said])
        if len(hearers) > 1:
            self._hearers.expect_progress()

    def say(self, event: Other) -> None:
        """Say what is neither text nor speech; text behind a function call is a piece of its own."""
        hearers = self._about_to_say()
        if self.silent:
            return
        self.journal.add(event)
        if self.player is None:
            self._waiting += PIECE_SIZE
        for listener in hearers:
            self._queue_other(listener, event)
        if len(hearers) > 1:
            self._hearers.expect_progress()

    def _about_to_say(self) -> Sequence[Listener]:
        if self.holding.keeps_back:
            self._hearers.set_aside(self)  # of one that has come since the hold, too
        return self._hearers.now()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let all that is queued in the block leave at its end, in one write: the end, and who tells of it."""
        with self._hearers.together():
            yield

    def hold(self, most_chars: int) -> None:
        """Let nothing leave until `release`, and have whoever plays it pause; of one that has ended, only the latter.

        Args:
            most_chars: Text that may be written meanwhile before it is `full`.
        """
        self._hearers.now()
        if not self.silent or self.ended is not None:  # else the last one who listened was dropped
            self._keep_back(None if self.silent else most_chars)
            self.holding.played_by(self.player, trio.current_time())
            self._post(Held())
            self._on_room()  # whoever sends by the clock has nothing to do until the release

    def withhold(self, most_chars: int) -> None:
        """Let nothing leave from its birth on, and tell nobody, until `give_out`; as `hold` without a word."""
        self.holding.withheld = True
        self._keep_back(most_chars)

    def _keep_back(self, most_chars: int | None) -> None:
        self.holding.begin(trio.current_time(), None if most_chars is None else self._said + most_chars)
        if most_chars is not None:
            self._hearers.set_aside(self)
        self._hearers.expect_nothing()

    def release(self, reason: ReleaseReason) -> None:
        """Go on with what was kept back, behind the word that it goes on."""
        with self.together():
            self._post(Released(reason))
            self._go_on()

    def give_out(self) -> None:
        """Let what was withheld leave, as if it were said now."""
        with self.together():
            self.holding.withheld = False
            self._go_on()

    def _go_on(self) -> None:
        now, since = trio.current_time(), self.holding.since
        if since is None:
            return  # the last one who listened was dropped
        stood_s = self.holding.end(self, self.player, now)
        self.plays_until += stood_s if self.plays_until > since else 0.0
        for listener, (begin, at) in self._behind.items():
            self._behind[listener] = (begin, min(now, at + stood_s))
        self._hearers.put_back(self)
        self._room.unpark_all()
        self._hearers.expect_progress()
        self._on_room()

    def let_go(self) -> None:
        """Forget who was to be told of room: the request has ended."""
        self._on_room = bool
        self._hearers.expect_nothing(for_good=True)

    def silence(self) -> None:
        """Throw away what waits and refuse everything but the end."""
        if not self.silent:
            self.silent = True
            self._hearers.discard(self)
            self.journal = Journal(0)  # nobody lacks anything of it but its end
            self._waiting = 0
            self.holding.forget()
            self._room.unpark_all()

    def end(self, ended: Ended) -> None:
        """Say the one end behind what was sent; nothing comes after it."""
        if self.ended is not None:
            return
        self.ended = ended
        self.silent = True
        if self._tells_end(ended):
            self._post(ended)

    def _post(self, event: Event) -> None:
        self._hearers.post(Said(self.request_id, event, self.spoken))

    def _tells_end(self, ended: Ended) -> bool:
        if self.holding.withheld:
            return False  # nobody has heard of it
        return ended.interrupted or ended.failure is not None or not self.ends_silently

    @property
    def to_come(self) -> Seen:
        """What a listener has behind it that wants what comes from now on: what no player has taken yet."""
        untold = self.player is None or self.holding.keeps_back
        return Seen(self._texts_taken, self._voices_taken) if untold else self.journal.end

    def catch_up(self, listener: Listener, seen: Seen) -> Seen:
        """Queue for a listener that has come what it lacks of what is kept.

        Args:
            listener: Who has come; not the player.
            seen: What it has.

        Returns:
            What was said before the first piece that it gets: `seen`, or more where something is kept no more.
        """
        seen = self.journal.reach(seen)
        if self.holding.keeps_back:
            listener.set_aside(self)
        pieces = self.journal.lacking(seen, self._said, self._voiced)
        samples = sum(len(piece.audio) for piece, _ in pieces if isinstance(piece, Voice)) // BYTES_PER_SAMPLE
        if samples:
            self._behind[listener] = (self._voiced - samples, inf if self.holding.keeps_back else trio.current_time())
        joins = True
        for piece, upto in pieces:
            if isinstance(piece, Text):
                self._queue_text(listener, piece.text, upto)
            elif isinstance(piece, Voice):
                begin = upto - len(piece.audio) // BYTES_PER_SAMPLE
                marks = marks_pieces(self, begin, upto, joins=joins) if listener.marks else ()
                listener.queue(*marks, VoicePiece(self, listener, piece, upto))
                joins = False
            else:
                self._queue_other(listener, piece)
        if joins and listener.marks and self._voiced and not self.silent:
            listener.queue(*marks_pieces(self, self._voiced, self._voiced, joins=True))
        if self.ended is not None and self._tells_end(self.ended):
            listener.post(Said(self.request_id, self.ended, self.spoken))
        self.tell_held(listener)
        self._hearers.expect_progress()
        return seen

    def tell_held(self, listener: Listener) -> None:
        """Tell a listener that has come that it is held, if it is: all will be told that it goes on."""
        if self.holding.held:
            listener.post(Said(self.request_id, Held(), self.spoken))

    def forget(self, listener: Listener) -> None:
        """Let go of what is known of a listener that has gone."""
        self._behind.pop(listener, None)

    def play_to(self, listener: Listener | None) -> None:
        """Make `listener` the player: from now on its progress counts, and what it has taken so far has been sent.

        None: nobody is, and what waits is what the last one has not taken.
        """
        self._hearers.player = listener
        self._room.unpark_all()
        if listener is None:
            self._most = self.journal.most_bytes
            self._on_room()
            return
        self._most = ROOM
        now, left, end = trio.current_time(), untaken(self, listener), self.journal.end
        self._waiting = left.size
        self.ledger.shown_until(self._said - left.chars)
        self.ledger.sent_until(self._voiced - left.samples, now)
        self._texts_taken, self._voices_taken = end.texts - left.texts, end.voices - left.voices
        begin, at = self._behind.pop(listener, (self._voiced, -1.0))
        self.holding.played_by(listener, now, waits=at == inf)
        if begin < self._voiced:
            self.ledger.resent(begin, min(at, now))
            if at < inf:  # else it begins at the release
                self.plays_until = at + (self._voiced - begin) / self.ledger.audio_format.rate
        self._on_room()

    def _queue_text(self, listener: Listener, text: str, upto: int) -> None:
        if listener is self.player:
            self._waiting += growth(self, listener, text)
        queue_text(self, listener, text, upto)

    def _queue_other(self, listener: Listener, event: Other) -> None:
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
        self._hearers.progressed()
        if not self.full:
            self._room.unpark_all()
            if was_full:
                self._on_room()
