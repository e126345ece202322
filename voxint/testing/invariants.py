"""What the protocol promises of an interruption, checked frame by frame from the client's side of one connection.

Feed it every message as the client sends it and every frame as the client reads it, in order::

    checker = Checker()
    checker.sent(Interrupt(...), trio.current_time())
    checker.received(await connection.receive(), trio.current_time())
    ...
    checker.settled()            # when the server owes nothing any more
    assert not checker.violations

It knows the protocol and no server, so it serves an end-to-end test and a benchmark of any implementation alike. It
does no I/O and reads no clock.
"""

from __future__ import annotations

from typing import Literal

from attrs import define, field, frozen

from voxint.core.audio import AudioFormat
from voxint.core.settings import SettingsChange
from voxint.protocol.messages import (
    ClientMessage,
    Error,
    HoldMessage,
    Interrupt,
    InterruptAck,
    MarksMessage,
    Register,
    RegisterAck,
    RequestMessage,
    Response,
    Resume,
    ServerMessage,
    SpeechMessage,
    TranscriptMessage,
)
from voxint.protocol.receipt import FramedReceipt

__all__ = ["Checker", "Rule", "Violation"]

Rule = Literal[
    "sequence",
    "first_frame",
    "end",
    "after_end",
    "leak_after_ack",
    "voice",
    "ack",
    "late_ack",
    "status",
    "receipt",
    "hold",
    "speech",
    "marks",
    "unanswered",
]


@frozen
class Violation:
    """A broken promise.

    Args:
        rule: Which: `sequence` (0 upward by 1), `first_frame` (carries `text_stream_seq` 0), `end` (exactly one, both
            streams at once), `after_end` (nothing follows it), `leak_after_ack` (nothing follows the
            acknowledgement), `voice` (none unasked for, whole samples, none empty), `ack` (one for each INTERRUPT,
            behind the finals), `late_ack`, `status` (agrees with the outcomes), `receipt` (agrees with itself, the
            frames and its first issue), `hold` (held and released take turns, and of a held answer nothing comes but
            its end), `speech` (an utterance begins and ends once, it commits while it lasts or waits, of what that
            interrupts nothing comes but the end, and its answer comes behind), `marks` (they rise, and what was
            heard lies between those around it), `unanswered` (only `Checker.settled` can tell).
        request_id: Whose; None where it is nobody's.
        at: When, in the clock of the caller.
        what: What was seen and what was due.
    """

    rule: Rule
    request_id: str | None
    at: float
    what: str

    def __str__(self) -> str:
        return f"{self.rule} of {self.request_id} at {self.at:.3f} s: {self.what}"


@define(eq=False)
class _Heard:
    """What was received of one request."""

    spoken: bool | None
    """Whether it was to have a voice stream; None: only who asked knows."""
    ours: bool = True
    """Whether this connection sent it; one that joined a session, or has come back, gets what others asked."""
    text_frames: int = 0
    voice_frames: int = 0
    voice_bytes: int = 0
    text: list[str] = field(factory=list)
    ended: bool = False
    acknowledged: bool = False
    held: bool = False
    speaking: bool = False
    """Whether it is an utterance that has begun and not ended."""
    waits: bool = False
    """Whether it is an utterance that has ended, and is answered once what speaks may be interrupted."""
    cut: bool = False
    """Whether an utterance has interrupted it."""
    marks: list[tuple[float, int]] = field(factory=list)


@define(eq=False)
class Checker:
    """Checks one connection. Promises of the ext fields are checked where the fields are there.

    Args:
        ack_within_s: From INTERRUPT sent to INTERRUPT_ACK read, at most: the server's deadline and what the network
            and both processes take. Default: 250 ms and twice as much again, because a busy machine is no fault of
            the protocol; in virtual time say 0.25.

    Attributes:
        violations: What was broken, in the order in which it was seen.
    """

    ack_within_s: float = 0.75
    violations: list[Violation] = field(init=False, factory=list)
    _now: float = field(init=False, default=0.0)
    _spoken: bool | None = field(init=False, default=False)
    _audio_format: AudioFormat = field(init=False, factory=AudioFormat)
    _requests: dict[str, _Heard] = field(init=False, factory=dict)
    _interrupts: list[tuple[str | None, str, float]] = field(init=False, factory=list)
    _receipts: dict[str, FramedReceipt] = field(init=False, factory=dict)

    def sent(self, message: ClientMessage, now: float) -> None:
        """Note a message of the client; `now` in seconds of the caller's clock."""
        self._now = now
        match message:
            case Register(resume=None):
                self._patched(message.patch)
            case Register(resume=Resume() as resume):
                self._resumed(resume)
            case Interrupt():
                self._interrupts.append((message.interrupt_request_id or None, message.mode, now))
            case RequestMessage() if message.stream_seq != -1:
                known = self._requests.get(message.request_id)
                if known is None or known.ended:  # else: the id is live, the server has to say so, and changes nothing
                    self._patched(message.patch)
                    self._superseded()
                    self._requests[message.request_id] = _Heard(self._spoken)
                    self._receipts.pop(message.request_id, None)

    def received(self, message: ServerMessage, now: float) -> None:
        """Check a frame of the server; `now` in seconds of the caller's clock."""
        self._now = now
        match message:
            case Response():
                self._response(message)
            case InterruptAck():
                self._acknowledgement(message)
            case Error() if message.request_id is not None:
                self._ended(self._of(message.request_id))
            case TranscriptMessage():
                self._of(message.request_id)
            case HoldMessage():
                self._hold(message)
            case SpeechMessage():
                self._speech(message)
            case MarksMessage():
                self._marks(message)
            case RegisterAck():
                self._audio_format = AudioFormat(message.audio.output_rate or AudioFormat().rate)

    def settled(self) -> None:
        """Note that the server was given its time: every request has to have ended, every INTERRUPT to be answered."""
        for request_id, heard in self._requests.items():
            if heard.ours and not heard.ended:
                self._violated("unanswered", request_id, "the request has no end")
            if heard.held:
                self._violated("unanswered", request_id, "the hold was not ended")
        for asked, _, at in self._interrupts:
            self._violated("unanswered", asked, f"the INTERRUPT sent at {at:.3f} s has no acknowledgement")

    def _violated(self, rule: Rule, request_id: str | None, what: str) -> None:
        self.violations.append(Violation(rule, request_id, self._now, what))

    def _patched(self, patch: SettingsChange) -> None:
        if patch.require_tts is not None:
            self._spoken = patch.require_tts

    def _resumed(self, resume: Resume) -> None:
        """Expect the numbers to go on from what the client has; the session's settings are what they were."""
        self._spoken = None
        for request_id, has in (resume.seen or {}).items():
            text, voice = has.text_stream_seq, has.voice_stream_seq
            self._requests[request_id] = _Heard(
                None,
                ours=False,
                text_frames=0 if text is None else text + 1,
                voice_frames=0 if voice is None else voice + 1,
                ended=-1 in (text, voice),
            )

    def _of(self, request_id: str) -> _Heard:
        """Return what was received of the request that a frame bears the id of; nothing may follow its end."""
        heard = self._requests.setdefault(request_id, _Heard(None, ours=False))
        if heard.acknowledged:
            self._violated("leak_after_ack", request_id, "a frame followed its acknowledgement")
        elif heard.ended:
            self._violated("after_end", request_id, "a frame followed its end")
        return heard

    def _response(self, frame: Response) -> None:
        heard = self._of(frame.request_id)
        text_seq, voice_seq = frame.text_stream_seq, frame.voice_stream_seq
        ends = frame.interrupted or -1 in (text_seq, voice_seq)
        if text_seq is None and voice_seq is None:
            self._violated("sequence", frame.request_id, "a RESPONSE belongs to no stream")
        if ends:
            self._ended(heard)
        else:
            self._in_turn(frame.request_id, heard)
        if not heard.text_frames and text_seq != 0 and not frame.interrupted:
            self._violated("first_frame", frame.request_id, f"text_stream_seq is {text_seq}, 0 was due")
        if ends:
            self._end(frame, heard)
            return
        if text_seq is not None:
            self._in_sequence(frame.request_id, "text", text_seq, heard.text_frames)
            heard.text_frames += 1
            heard.text.append(frame.text or "")
        if voice_seq is not None:
            self._in_sequence(frame.request_id, "voice", voice_seq, heard.voice_frames)
            heard.voice_frames += 1
            heard.voice_bytes += len(frame.voice or b"")
            self._voice(frame, heard)

    def _ended(self, heard: _Heard) -> None:
        heard.ended, heard.held, heard.speaking = True, False, False

    def _in_turn(self, request_id: str, heard: _Heard) -> None:
        if heard.held:
            self._violated("hold", request_id, "a frame came of an answer that is held")
        if heard.speaking:
            self._violated("speech", request_id, "a frame came before the utterance's end was told")
        if heard.cut:
            self._violated("speech", request_id, "a frame came of an answer that an utterance has interrupted")
        if not heard.text_frames:
            self._superseded()
        heard.waits = False

    def _superseded(self) -> None:
        """Take note that what has ended and still plays is over: another request speaks."""
        for heard in self._requests.values():
            heard.held = heard.held and not heard.ended

    def _hold(self, hold: HoldMessage) -> None:
        # An answer that was sent to its end still plays, and can be held too: such a frame may follow the end.
        heard = self._requests.setdefault(hold.request_id, _Heard(None, ours=False))
        if heard.acknowledged:
            self._violated("leak_after_ack", hold.request_id, "a frame followed its acknowledgement")
        if heard.held == (hold.state == "held"):
            self._violated("hold", hold.request_id, f"it is {hold.state}, and was so already")
        heard.held = hold.state == "held"

    def _speech(self, speech: SpeechMessage) -> None:
        heard = self._of(speech.request_id)
        if speech.state == "committed":
            self._committed(speech, heard)
            return
        if heard.speaking == (speech.state == "started"):
            self._violated("speech", speech.request_id, f"it has {speech.state}, and had so already")
        heard.speaking = speech.state == "started"
        heard.waits = speech.outcome == "protected"

    def _committed(self, speech: SpeechMessage, heard: _Heard) -> None:
        if not heard.speaking and not heard.waits:
            self._violated("speech", speech.request_id, "it has committed, and neither speaks nor waits")
        if not speech.interrupted or speech.request_id in speech.interrupted:
            self._violated("speech", speech.request_id, f"it has committed, and interrupts {speech.interrupted}")
        for request_id in speech.interrupted:
            cut = self._requests.setdefault(request_id, _Heard(None, ours=False))
            cut.cut, cut.held = True, False

    def _marks(self, message: MarksMessage) -> None:
        heard = self._of(message.request_id)
        self._in_turn(message.request_id, heard)
        for at_ms, chars in message.marks:
            last_ms, last_chars = heard.marks[-1] if heard.marks else (0.0, 0)
            if at_ms < last_ms or chars < last_chars:
                what = f"{chars} characters at {at_ms} ms come behind {last_chars} at {last_ms} ms"
                self._violated("marks", message.request_id, what)
            heard.marks.append((at_ms, chars))

    def _in_sequence(self, request_id: str, stream: str, got: int, due: int) -> None:
        if got != due:
            self._violated("sequence", request_id, f"{stream}_stream_seq is {got}, {due} was due")

    def _voice(self, frame: Response, heard: _Heard) -> None:
        if heard.spoken is False:
            self._violated("voice", frame.request_id, "voice came although require_tts is false")
        if not frame.voice:
            self._violated("voice", frame.request_id, "a voice frame is empty")
        elif len(frame.voice) % 2:
            self._violated("voice", frame.request_id, "a voice frame has half a sample")

    def _end(self, frame: Response, heard: _Heard) -> None:
        if frame.text_stream_seq != -1:
            self._violated("end", frame.request_id, "the last frame does not end the text stream")
        if heard.spoken and frame.voice_stream_seq != -1:
            self._violated("end", frame.request_id, "the last frame does not end the voice stream")
        if heard.spoken is False and frame.voice_stream_seq is not None:
            self._violated("voice", frame.request_id, "a voice stream ends although require_tts is false")

    def _acknowledgement(self, ack: InterruptAck) -> None:
        asked = ack.interrupt_request_id
        kind = (asked, ack.mode or "commit")
        due = next((interrupt for interrupt in self._interrupts if interrupt[:2] == kind), None)
        if due is None:
            self._violated("ack", asked, "an acknowledgement that no INTERRUPT waits for")
        else:
            self._interrupts.remove(due)
            if (took_s := self._now - due[2]) > self.ack_within_s:
                self._violated("late_ack", asked, f"the acknowledgement took {took_s:.3f} s")
        self._status(ack)
        for request_id in ack.interrupted_request_ids:
            heard = self._requests.setdefault(request_id, _Heard(None, ours=False, ended=True))
            if asked is not None and asked != request_id:
                self._violated("ack", request_id, f"it was stopped, but {asked} was asked for")
            if not heard.ended:
                self._violated("ack", request_id, "the acknowledgement came before the final frame")
            heard.acknowledged = True
            if self._receipts and request_id not in ack.receipts:
                self._violated("receipt", request_id, "it was stopped, and there is no receipt of it")
        for request_id, receipt in ack.receipts.items():
            self._receipt(request_id, receipt)
            if request_id in self._requests:  # also of one that was sent to its end, and was held as it played
                self._requests[request_id].held = False

    def _status(self, ack: InterruptAck) -> None:
        asked, stopped, outcomes = ack.interrupt_request_id, ack.interrupted_request_ids, ack.outcomes
        paused = any(outcome in ("held", "released") for outcome in outcomes.values())
        if (ack.status == "FAILED") == (bool(stopped) or paused):
            self._violated("status", asked, f"{ack.status} with {len(stopped)} stopped requests")
        overrun = any(outcomes.get(request_id) == "overrun" for request_id in stopped)
        if outcomes and stopped and (ack.status == "PARTIAL") != overrun:
            self._violated("status", asked, f"{ack.status} with the outcomes {sorted(outcomes.values())}")
        if outcomes and any(outcomes.get(request_id) not in ("stopped", "overrun") for request_id in stopped):
            self._violated("status", asked, "a stopped request has no outcome that says so")

    def _receipt(self, request_id: str, receipt: FramedReceipt) -> None:
        if self._receipts.setdefault(request_id, receipt) != receipt:
            self._violated("receipt", request_id, "it is not the receipt that was issued before")
        audio = receipt.audio
        if not 0 <= audio.heard_ms <= audio.sent_ms <= audio.generated_ms:
            what = f"heard {audio.heard_ms} ms, sent {audio.sent_ms} ms, generated {audio.generated_ms} ms"
            self._violated("receipt", request_id, what)
        for stage, closed_ms in receipt.closed_ms.items():
            if receipt.stages.get(stage) != "closed" or not 0 <= closed_ms <= receipt.stop_ms:
                what = f"{stage} is {receipt.stages.get(stage)} and closed after {closed_ms} of {receipt.stop_ms} ms"
                self._violated("receipt", request_id, what)
        heard = self._requests.get(request_id)
        if heard is None or not heard.ours:
            return
        self._heard_between_marks(request_id, receipt, heard)
        last, text = receipt.last, "".join(heard.text)
        came = (
            heard.text_frames - 1 if heard.text_frames else None,
            heard.voice_frames - 1 if heard.voice_frames else None,
        )
        if (last.text_stream_seq, last.voice_stream_seq) != came:
            self._violated("receipt", request_id, f"its last frames are {last}, those that came are {came}")
        if audio.sent_ms != self._audio_format.bytes_ms(heard.voice_bytes):
            self._violated("receipt", request_id, f"{audio.sent_ms} ms of audio were sent, not what came")
        if not text.startswith(receipt.text.heard):
            self._violated("receipt", request_id, "the text that was heard is not the beginning of the text that came")

    def _heard_between_marks(self, request_id: str, receipt: FramedReceipt, heard: _Heard) -> None:
        reached = [chars for at_ms, chars in heard.marks if at_ms <= receipt.audio.heard_ms]
        if not reached:
            return
        before, chars = reached[-2] if len(reached) > 1 else 0, len(receipt.text.heard)
        if not len("".join(heard.text)[:before].rstrip()) <= chars <= reached[-1]:
            what = f"{chars} characters were heard, and the marks say {before} to {reached[-1]}"
            self._violated("marks", request_id, what)
