"""What is run: the stages, the prompt and the limits, frozen."""

from __future__ import annotations

from typing import Any, cast

from attrs import NOTHING, Attribute, field, frozen

from voxint.arguments import bounded, check_fields
from voxint.core.discreet import size_of
from voxint.core.ears.rules import EarRules
from voxint.core.ears.turn_detector import TurnDetector
from voxint.core.settings import MAX_BYTES, MAX_TOOLS
from voxint.core.shape import Part, stage_fault
from voxint.core.stages import LanguageModel, SpeechToText, TextToSpeech
from voxint.core.voice_activity import VoiceDetector

__all__ = ["BOUNDS", "LANGUAGE_PROMPT", "Agent", "Limits"]

LANGUAGE_PROMPT = "Answer in {language}."
"""Ours: a model that is asked in a word or a name alone can't know in which language to answer, and who has chosen one
expects to be answered in it."""

BOUNDS = ("text_chars", "functions", "settings_bytes", "upload_s", "upload_share", "upload_ahead_s", "overruns")
"""The limits that refuse a caller for what it brings or how it brings it; each names itself where it does."""


DAY_S = 86_400.0
"""The most of what is reckoned in bytes of audio; ours: longer than anybody talks. Endless is no number."""


def _positive(default: float, at_most: float | None = None) -> float:
    return field(default=default, validator=bounded(more_than=0, at_most=at_most))


@frozen(kw_only=True, field_transformer=check_fields)
class Limits:
    """How long everything may take and how much may wait. Seconds, milliseconds and counts as the names say.

    A wait may be endless (`math.inf`); what is kept of audio (`upload_s`, `upload_ahead_s`, `speech_ahead_ms`,
    `keep_ms`) is a day's at most.

    Args:
        interrupt_s: From an interrupt to its acknowledgement at the latest; the protocol's promise.
        request_s: A whole request, its playing but for the last `lead_ms` too: audio is sent as it is played, and an
            answer that takes longer to say ends in an error. Existing clients give up after 120 s, so the server
            speaks first.
        first_token_s: From the model's call to its first piece: slow reasoning models fit, a dead one does not.
        thinking_s: From the model's call to its first piece where it says that it thinks: each sign of it lets
            `first_token_s` run anew, up to this.
        token_stall_s: Between two pieces of the model's answer.
        transcript_s: From the end of an upload to the end of the transcript.
        first_audio_s: From a text piece handed to the synthesizer to its first audio.
        audio_stall_s: Between two pieces of synthesized audio.
        upload_idle_s: An upload without audio for so long was abandoned; existing clients do that.
        upload_ahead_s: Audio that may wait for a slow recogniser before the upload is refused.
        upload_s: Audio of one utterance; ours: what is sent in one piece may last as long as a request may take.
        upload_grace_s: An upload may fall so far behind its microphone before its pace is judged; from its first audio
            on.
        upload_share: Of real time, what an upload has to bring from then on; ours: an open microphone sends silence as
            fast as speech, so a tenth is far below the worst network that one can talk over. 0: any pace will do.
        text_chars: Characters of a text; ours, half of what the protocol takes and more than the model is shown.
        functions: Functions of a session; 128 is what OpenAI's API takes.
        settings_bytes: Prompts and functions of a session together; ours: all of it goes to the model with every turn.
        remembered_bytes: Words of ended requests that a session keeps for late interruptions; the latest request's
            are kept, however many they are. Ours: an eighth of the megabyte that a session takes up beside its speech.
        lead_ms: Audio sent ahead of playback: what an interrupt cannot recall. Three frames of a jittery network
            and some more; five seconds would fit in the kernel's socket buffers.
        frame_ms: Audio in one frame.
        speech_ahead_ms: Synthesized audio that may wait for its turn, so that the next sentence's synthesis has begun
            before this one has been played; a synthesizer's first audio takes 0.2 to 0.8 s.
        keep_ms: Speech kept of an answer, for a connection that comes back and lacks the end of it, and made ahead
            while nobody listens; the protocol's number.
        segments_ahead: Text pieces that may wait for the synthesizer; beyond it the model is not read.
        history_tokens: Budget of the conversation sent to the model, by `core.tokens.estimate_tokens`.
        answer_chars: Text of one answer; ours: over two hours of speech, and more than models write at once. What is
            longer is a model that does not end: it fails, and what was heard of it stays.
        speech_s: Speech of one answer, however fast it is played.
        transcript_chars: What the recogniser understands in one upload; ours: half an hour of talk.
        overruns: Requests of a session whose clean-up may hang at once before new ones are refused.
        hold_s: An answer that is held goes on after so long, where nothing was decided; the protocol's number.
        held_chars: Text that the model may write while its answer is held; ours: a sentence or two, so that a release
            need not wait for it. Beyond it the model is not read.
        seat_kept_s: For so long behind an answer a caller keeps its seat at a stage that has only so many; ours: longer
            than most answers are to be thought over. 0: it ends with the answer.
    """

    interrupt_s: float = _positive(0.25)
    request_s: float = _positive(110.0)
    first_token_s: float = _positive(30.0)
    thinking_s: float = _positive(90.0)
    token_stall_s: float = _positive(15.0)
    transcript_s: float = _positive(20.0)
    first_audio_s: float = _positive(15.0)
    audio_stall_s: float = _positive(10.0)
    upload_idle_s: float = _positive(15.0)
    upload_ahead_s: float = _positive(30.0, DAY_S)
    upload_s: float = _positive(120.0, DAY_S)
    upload_grace_s: float = _positive(2.0)
    upload_share: float = field(default=0.1, validator=bounded(at_least=0, less_than=1))
    text_chars: int = field(default=32_768, validator=bounded(at_least=1))
    functions: int = field(default=MAX_TOOLS, validator=bounded(at_least=0, at_most=MAX_TOOLS))
    settings_bytes: int = field(default=MAX_BYTES, validator=bounded(at_least=0))
    remembered_bytes: int = field(default=128 * 1024, validator=bounded(at_least=0))
    lead_ms: float = _positive(300.0)
    frame_ms: float = field(default=40.0, validator=bounded(at_least=10, at_most=200))
    speech_ahead_ms: float = _positive(700.0, DAY_S * 1000)
    keep_ms: float = field(default=30_000.0, validator=bounded(at_least=0, at_most=DAY_S * 1000))
    segments_ahead: int = field(default=32, validator=bounded(at_least=1))
    history_tokens: int = field(default=6000, validator=bounded(at_least=100))
    answer_chars: int = field(default=131_072, validator=bounded(at_least=1))
    speech_s: float = _positive(600.0)
    transcript_chars: int = field(default=32_768, validator=bounded(at_least=1))
    overruns: int = field(default=8, validator=bounded(at_least=1))
    hold_s: float = _positive(2.0, 60.0)
    held_chars: int = field(default=200, validator=bounded(at_least=0))
    seat_kept_s: float = field(default=20.0, validator=bounded(at_least=0))


def _shaped(agent: object, attribute: Attribute[Any], value: object) -> None:
    part = cast("Part", attribute.name)
    needed = attribute.default is NOTHING
    if (value is not None or needed) and (fault := stage_fault(part, value)) is not None:
        raise TypeError(f"Agent.{part}: {fault}")


@frozen(kw_only=True, field_transformer=check_fields)
class Agent:
    """Who answers: a language model, its ears and its voice.

    Args:
        llm: Writes the answers.
        stt: Understands voice; without one a voice request is refused.
        tts: Speaks; without one every answer is text alone.
        vad: Hears when somebody speaks; without one a microphone can't be always open.
        turns: Hears whether a turn is complete; without one the words so far have to tell.
        ears: How a microphone that is always open is heard.
        prompt: The operator's system prompt; a session's own role and scene follow it.
        limits: Every bound of a request.
        language_prompt: What the model is told behind all that where a session has chosen a language; ``{language}`` is
            its name. Empty: nothing, as for an agent that answers in another language than it is asked in.

    Raises:
        TypeError: A stage or a detector has not the shape of one: a class in place of an instance, no such method or a
            generator, other arguments, no `audio_format`; says which, and what to write.
    """

    llm: LanguageModel = field(validator=_shaped)
    stt: SpeechToText | None = field(default=None, validator=_shaped)
    tts: TextToSpeech | None = field(default=None, validator=_shaped)
    vad: VoiceDetector | None = field(default=None, validator=_shaped)
    turns: TurnDetector | None = field(default=None, validator=_shaped)
    ears: EarRules = EarRules()
    prompt: str = field(default="", repr=size_of)
    limits: Limits = Limits()
    language_prompt: str = field(default=LANGUAGE_PROMPT, repr=size_of)

    @property
    def listens(self) -> bool:
        """Whether a microphone may be always open: somebody hears when a person speaks, and understands it."""
        return self.vad is not None and self.stt is not None
