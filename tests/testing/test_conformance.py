from __future__ import annotations

import time
from typing import Any

import pytest
import trio
from structlog.testing import capture_logs

from tests.blocky import SLEEPS, Blocky
from voxint.core.stages import (
    Delta,
    LanguageModel,
    ModelOutput,
    Speech,
    Transcript,
    Turn,
    VoiceOption,
)
from voxint.testing import conformance
from voxint.testing.conformance import (
    TrialBounds,
    check_language_model,
    check_speech_to_text,
    check_text_to_speech,
)
from voxint.testing.stages import FOREVER, HEAR, SPEAK, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

TURN = Turn(())
TEXT = ("Hello there. ", "How are you?")
VOICE = bytes(3200)

Out = trio.abc.SendChannel[ModelOutput]


async def test_a_scripted_model_conforms() -> None:
    """The check returns what the first run wrote."""
    model = ScriptedModel.says("Hello. ", "Bye.", every=0.125)
    assert await check_language_model(model, TURN) == [Delta("Hello. "), Delta("Bye.")]
    assert model.running == 0


async def test_a_scripted_voice_conforms() -> None:
    """With chunks that take their time, also when its text never comes or never began."""
    spoken = await check_text_to_speech(ScriptedVoice(0.5, SPEAK, every=0.125), TEXT)
    assert "".join(speech.text or "" for speech in spoken) == "".join(TEXT)


async def test_scripted_ears_conform() -> None:
    """Also when the upload never ends, or is empty."""
    ears = ScriptedEars.hears("hello", after=0.5)
    assert await check_speech_to_text(ears, VOICE) == [Transcript("hello", is_final=True)]


class Swallows:
    """Takes a cancellation for an end."""

    async def generate(self, turn: Turn, out: Out) -> None:
        """Write two words, or fewer."""
        try:
            await out.send(Delta("Hello "))
            await trio.sleep(1)
            await out.send(Delta("there."))
        except trio.Cancelled:
            pass


class GoesOn:
    """Takes a cancellation for a failed send."""

    async def generate(self, turn: Turn, out: Out) -> None:
        """Write two words, whatever becomes of the first."""
        for word in ("Hello ", "there."):
            try:
                await out.send(Delta(word))
            except BaseException:  # noqa: BLE001 - the mistake that the check has to find
                continue


class Remembers:
    """Has room for one call at a time, and for none after a cancelled one."""

    def __init__(self) -> None:
        self.busy = False

    async def generate(self, turn: Turn, out: Out) -> None:
        """Write a word."""
        if self.busy:
            raise RuntimeError("busy")
        self.busy = True
        await trio.sleep(1)
        await out.send(Delta("Hello."))
        self.busy = False


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (Swallows(), "Swallows, cancelled .*, swallowed Cancelled"),
        (GoesOn(), "GoesOn, cancelled .*, (went on writing|swallowed Cancelled)"),
        (Remembers(), "Remembers, run 3 times at once: busy"),
        (ScriptedModel("Well, ", FOREVER), "did not return within 30 s"),
        (ScriptedModel("Well, ", lingers=0.5), r"cancelled .*, took 0\.5 s to stop, 0\.25 s are allowed"),
        (ScriptedModel("Well, ", breaks=OSError("gone")), r"raised OSError\('gone'\) instead of letting Cancelled"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_model_that_breaks_the_contract_is_told_how(model: LanguageModel, complaint: str) -> None:
    """Each way to break it has words of its own."""
    with pytest.raises(AssertionError, match=complaint):
        await check_language_model(model, TURN)


async def test_a_model_that_answers_no_more_is_found() -> None:
    """It returns, and says nothing: no error, and no task, tells of it."""

    class Dead(ScriptedModel):
        dead = False

        async def generate(self, turn: Turn, out: Out) -> None:
            if self.dead:
                return
            try:
                await super().generate(turn, out)
            except trio.Cancelled:
                self.dead = True
                raise

    with pytest.raises(AssertionError, match=r"^Dead wrote an answer in its first run, and none in a later one"):
        await check_language_model(Dead("Hello.", 0.5), TURN)
    await check_language_model(ScriptedModel(), TURN)


@pytest.mark.parametrize("model", [Blocky(0.12, words=2), Blocky(0.12, words=1)], ids=["twice", "once in each run"])
async def test_a_stage_that_holds_the_loop_is_told_where(model: Blocky) -> None:
    """In virtual time too: the loop is held in the real one."""
    complaint = rf"Blocky held the event loop for 0\.1\d* s at {SLEEPS}; 0\.1 s are allowed"
    with pytest.raises(AssertionError, match=complaint):
        await check_language_model(model, TURN)
    await check_language_model(Blocky(0.01, words=2), TURN)


async def test_what_holds_the_loop_once_is_the_machine() -> None:
    """Or a first use, such as an import; what holds the loop in each run is found with the second."""

    class Loads(Blocky):
        async def generate(self, turn: Turn, out: Out) -> None:
            await super().generate(turn, out)
            self.seconds = 0.0

    await check_language_model(Loads(0.12, words=1), TURN)


async def test_a_clean_up_that_holds_the_loop_is_found() -> None:
    """Only runs that are cancelled come to it."""

    class Lingers(ScriptedModel):
        async def generate(self, turn: Turn, out: Out) -> None:
            try:
                await super().generate(turn, out)
            except trio.Cancelled:
                time.sleep(0.12)  # noqa: ASYNC251 - the mistake that the check has to find
                raise

    with pytest.raises(AssertionError, match=r"Lingers held the event loop for .* at tests/testing/test_conformance"):
        await check_language_model(Lingers("Hello.", 0.5), TURN)


@pytest.mark.parametrize(("budget_s", "left_out"), [(60.0, 0), (0.0, 30)])
async def test_a_check_says_how_long_it_took_and_what_it_left_out(budget_s: float, left_out: int) -> None:
    """What must be tried is, however little time there is: the moments of a connect, a send, and a gap."""
    model = ScriptedModel.says(*["word "] * 20, every=0.125)
    with capture_logs() as logs:
        await check_language_model(model, TURN, bounds=TrialBounds(budget_s=budget_s))
    [line] = [line for line in logs if line["event"] == "conformance checked"]
    assert (line["stage"], line["moments_left_out"]) == ("ScriptedModel", left_out)
    assert line["log_level"] == ("warning" if left_out else "info")
    assert line["runs"] + left_out == 1 + 3 + 6 + 6 + 32 + 1 == 49


async def test_so_many_runs_a_check_needs() -> None:
    """As the documentation says: a voice is tried without a text too, and with one that never ends; so are ears."""
    at_once = TrialBounds(budget_s=0.0)
    with capture_logs() as logs:
        await check_language_model(ScriptedModel.says("Hello. ", "there. ", "Bye.", every=0.5), TURN, bounds=at_once)
        await check_text_to_speech(ScriptedVoice(0.5, SPEAK, every=0.125), TEXT, bounds=at_once)
        await check_speech_to_text(ScriptedEars.hears("hello", after=0.5), VOICE, bounds=at_once)
    assert [line["runs"] for line in logs if line["event"] == "conformance checked"] == [19, 21, 21]
    assert all("19 runs" in str(text) and "21" in str(text) for text in (conformance.__doc__, TrialBounds.__doc__))


async def test_a_provider_that_fails_fails_as_it_does() -> None:
    """The contract is not at stake: the error comes through as it is."""
    with pytest.raises(OSError, match="no route"):
        await check_language_model(ScriptedModel(OSError("no route")), TURN)


@pytest.mark.parametrize(
    ("speech", "complaint"),
    [
        (Speech(b"\0\0", "Hello"), "joined, is not the text that came in"),
        (Speech(b"\0\0\0", "Hello there. "), "half a sample"),
        (Speech(b"", "Hello there. "), "wrote no audio"),
    ],
)
async def test_a_voice_that_breaks_the_contract_is_told_how(speech: Speech, complaint: str) -> None:
    """What was heard can only be known from whole samples and true text."""
    with pytest.raises(AssertionError, match=complaint):
        await check_text_to_speech(ScriptedVoice(speech), TEXT[:1])


async def test_a_voice_that_stops_listening_has_swallowed_a_cancellation() -> None:
    """A stage that returns although its text has not ended did not let the cancellation through."""

    class Deaf(ScriptedVoice):
        async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
            try:
                await super().synthesize(text, out)
            except trio.Cancelled:
                if self.calls[-1].cancelled == self.calls[-1].started + 0.25:
                    return
                raise

    with pytest.raises(AssertionError, match="while it waits for input, swallowed Cancelled"):
        await check_text_to_speech(Deaf(), TEXT)


async def test_a_format_is_needed() -> None:
    """The pipeline resamples by it."""
    voice = ScriptedVoice()
    voice.audio_format = 16_000  # type: ignore[assignment]  # the mistake that the check has to find
    with pytest.raises(AssertionError, match="has an int as its `audio_format`: write"):
        await check_text_to_speech(voice, TEXT)


@pytest.mark.parametrize(
    ("ears", "complaint"),
    [
        (ScriptedEars(HEAR), "understood nothing"),
        (ScriptedEars(HEAR, Transcript("hel", is_final=False)), "ended with a partial"),
    ],
)
async def test_ears_that_break_the_contract_are_told_how(ears: ScriptedEars, complaint: str) -> None:
    """A recogniser settles its last segment."""
    with pytest.raises(AssertionError, match=complaint):
        await check_speech_to_text(ears, VOICE)


async def test_each_option_of_a_stage_has_to_give_a_stage() -> None:
    """A voice and a recogniser that offer something pass; one that gives something else is told."""

    class Empty(ScriptedVoice):
        def speaking_as(self, voice: str) -> Any:
            return None

    voices = (VoiceOption("anna", "en"),)
    assert await check_text_to_speech(ScriptedVoice(voices=voices), ["Hello."])
    assert await check_speech_to_text(ScriptedEars(HEAR, "Hello.", languages=("en",)), VOICE)
    with pytest.raises(
        AssertionError, match=r"^Empty\.speaking_as returned what is no synthesizer: None has no method"
    ):
        await check_text_to_speech(Empty(voices=voices), ["Hello."])
