"""Conversations hands free, in virtual time, with a server that the test plays: it says what its ears have heard."""

from __future__ import annotations

import signal
from array import array

import pytest

from tests.cli.talking.rig import TONE, VOICE
from tests.cli.talking.scripted_ears import Scene, open_scene
from tests.cli.test_receipts import receipt
from voxint.core.events import (
    Called,
    Committed,
    Ended,
    Endpoint,
    Held,
    Onset,
    Released,
    Text,
    Understood,
    UtteranceOutcome,
    Voice,
)
from voxint.core.failure import Failure

BY_VOICE = Ended(interrupted=True, reason="USER_VOICE_INPUT")


def sound(ms: float) -> Voice:
    """Return so much of a voice, all of one loudness."""
    return Voice(array("h", [8_000] * VOICE.samples(ms)).tobytes())


def over(
    outcome: UtteranceOutcome = "request", text: str = "tell me a story", recovered: str | None = None
) -> Endpoint:
    """Return the end of an utterance."""
    return Endpoint(at_ms=800.0, decided_ms=1_000.0, text=text, outcome=outcome, recovered=recovered)


async def speaking(scene: Scene, ms: float = 2_000) -> None:
    """Ask a question with the id `x1`, and begin to hear the answer."""
    scene.say("x1", Onset(at_ms=100.0), over(), Text("Once upon a time."), sound(ms))
    assert await scene.after(0.5) == "speaking"


def samples(scene: Scene) -> list[int]:
    """Return what the loudspeaker has played, without its silence."""
    return [each for each in array("h", bytes(scene.rig.card.played)) if each]


async def test_the_microphone_is_streamed_all_the_time(autojump_clock: object) -> None:
    """Whatever goes on; who speaks is not judged here. Its level is shown."""
    async with open_scene() as scene:
        scene.rig.card.said += TONE
        await scene.after(0.5)
        assert scene.rig.conversation.view.level_db > -20
        await speaking(scene)
        await scene.after(1.01)
        assert scene.client.ears.heard == TONE + bytes(2 * 16_000)


async def test_a_question_is_heard_and_answered(autojump_clock: object) -> None:
    """What was understood so far is shown, the whole of it is written down, and so is the answer at its end."""
    async with open_scene() as scene:
        scene.say("x1", Onset(at_ms=100.0), Understood("tell me", is_final=False))
        assert await scene.after(0.1) == "hearing"
        assert scene.rig.notebook.transcripts == ["tell me"]
        scene.say("x1", over())
        assert await scene.after(0.1) == "thinking"
        assert scene.rig.conversation.view.transcript == ""
        scene.say("x1", Text("Once "), sound(500), Called("look", {}, "c1"), Text("more."), Ended(interrupted=False))
        assert await scene.after(0.4) == "speaking"
        assert scene.rig.conversation.view.answer == "Once more."
        assert await scene.after(0.2) == "listening"
        assert scene.lines == ["you: tell me a story", "note: the model calls look", "voxint: Once more."]
        first, second = scene.client.reports[:2]
        assert first[1:] == ("x1", 0.0)
        assert 200 < second[2] < 250


async def test_an_answer_is_held_and_goes_on_where_it_was(autojump_clock: object) -> None:
    """It is silent within a block, says nothing twice and leaves nothing out, and tells why it went on.

    Where it stands is told to the server as soon as what the device held has been heard.
    """
    async with open_scene() as scene:
        await speaking(scene, ms=1_000)
        scene.say("x2", Onset(at_ms=3_000.0))
        scene.say("x1", Held())
        assert await scene.after(0.1) == "held"
        heard = scene.rig.speaker.played_ms
        assert 480 < heard < 530
        assert scene.client.reports[-1][1:] == ("x1", heard)
        scene.say("x1", sound(500))  # it was on its way
        assert await scene.after(1.4) == "held"
        assert scene.rig.speaker.played_ms == heard
        scene.say("x1", Released("backchannel"))
        scene.say("x2", over("backchannel", "mm-hmm"))
        assert await scene.after(0.1) == "speaking"
        scene.say("x1", Ended(interrupted=False))
        assert await scene.after(1.0) == "listening"
        assert abs(len(samples(scene)) - VOICE.samples(1_500)) <= 1  # the last one of a fade is silent
        assert scene.lines == [
            "you: tell me a story",
            "note: went on: backchannel",
            "you: mm-hmm",
            "voxint: Once upon a time.",
        ]
        assert scene.client.interrupts == []


async def test_a_held_answer_is_cut_off_where_the_person_means_it(autojump_clock: object) -> None:
    """What it still had is thrown away, the person is heard on, and the receipt is asked for with what was heard."""
    async with open_scene() as scene:
        await speaking(scene)
        scene.say("x2", Onset(at_ms=3_000.0))
        scene.say("x1", Held())
        assert await scene.after(0.5) == "held"
        heard = scene.rig.speaker.played_ms
        played = len(samples(scene))
        scene.client.receipts["x1"] = receipt()
        scene.say("x2", Committed(at_ms=3_500.0, interrupted=("x1",)))
        scene.say("x1", BY_VOICE)
        assert await scene.after(0.1) == "hearing"
        assert scene.client.interrupts == [("x1", "USER_VOICE_INPUT", heard)]
        assert await scene.after(1.0) == "hearing"
        assert len(samples(scene)) == played
        assert scene.lines[1:3] == ["voxint: Once upon a time.", "note: interrupted (USER_STOP): stopped in 0.8 ms"]
        scene.say("x2", over(text="stop it"), Text("Good."), sound(100), Ended(interrupted=False))
        assert await scene.after(0.05) == "speaking"
        assert await scene.after(0.2) == "listening"
        assert len(samples(scene)) == played + VOICE.samples(100)
        assert scene.lines[-2:] == ["you: stop it", "voxint: Good."]


async def test_an_answer_that_was_sent_to_its_end_is_held_and_cut_off_too(autojump_clock: object) -> None:
    """Nothing but the next question tells that it was cut off, as it had ended already."""
    async with open_scene() as scene:
        await speaking(scene, ms=800)
        scene.say("x1", Ended(interrupted=False), Held())
        scene.say("x2", Onset(at_ms=3_000.0))
        assert await scene.after(2.0) == "held"
        played = len(samples(scene))
        scene.say("x2", over(text="stop it"))
        assert await scene.after(1.0) == "thinking"
        assert len(samples(scene)) == played
        assert [each[:2] for each in scene.client.interrupts] == [("x1", "USER_VOICE_INPUT")]
        assert scene.lines[1:] == ["you: stop it", "voxint: Once upon a time."]


async def test_an_answer_that_was_sent_to_its_end_goes_on_after_a_hold(autojump_clock: object) -> None:
    """And ends when it has been heard."""
    async with open_scene() as scene:
        await speaking(scene, ms=800)
        scene.say("x1", Ended(interrupted=False), Held())
        assert await scene.after(2.0) == "held"
        scene.say("x1", Released("noise"))
        assert await scene.after(0.2) == "speaking"
        assert await scene.after(0.2) == "listening"
        assert scene.rig.speaker.played_ms == 800


async def test_an_answer_that_is_only_thought_about_is_held_and_goes_on(autojump_clock: object) -> None:
    """Nothing of it has come yet."""
    async with open_scene() as scene:
        scene.say("x1", Onset(at_ms=100.0), over(), Held())
        assert await scene.after(0.1) == "held"
        scene.say("x1", Released("silence"))
        assert await scene.after(0.1) == "thinking"
        scene.say("x1", sound(100))
        assert await scene.after(0.05) == "speaking"
        assert await scene.after(0.1) == "speaking"
        assert len(samples(scene)) == VOICE.samples(100)


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (over("noise", ""), ["note: nothing was understood"]),
        (over("echo", "a time"), ["you: a time"]),
        (
            over("noise", "", recovered="x1"),
            ["note: what interrupted the answer was no speech: ask again to hear the rest"],
        ),
        (
            over("protected", "stop it"),
            ["you: stop it", "note: the answer can't be interrupted here: yours comes behind it"],
        ),
    ],
)
async def test_an_utterance_that_is_no_question_is_told(end: Endpoint, told: list[str], autojump_clock: object) -> None:
    """And the person is listened to again."""
    async with open_scene() as scene:
        scene.say("x1", Onset(at_ms=100.0))
        assert await scene.after(0.1) == "hearing"
        scene.say("x1", end)
        assert await scene.after(0.1) == "listening"
        assert scene.lines == told


async def test_what_was_asked_too_early_is_told_with_its_cost(autojump_clock: object) -> None:
    """The person went on after a pause."""
    async with open_scene() as scene:
        end = Endpoint(at_ms=1.0, decided_ms=2.0, text="tell me", outcome="request", speculative=(receipt(), receipt()))
        scene.say("x1", Onset(at_ms=100.0), end)
        await scene.after(0.1)
        assert scene.lines == [
            "you: tell me",
            "note: asked at a pause, and cancelled as you went on: 2 times, 24 tokens",
        ]


async def test_what_could_not_be_heard_or_answered_is_told(autojump_clock: object) -> None:
    """An utterance, and an answer, that failed leave the person listening to nothing."""
    failed = Ended(interrupted=False, failure=Failure("upstream", "persimmon", retryable=True))
    async with open_scene() as scene:
        scene.say("x1", Onset(at_ms=100.0), failed)
        assert await scene.after(0.1) == "listening"
        await speaking(scene)
        played = len(samples(scene))
        scene.say("x1", failed)
        assert await scene.after(1.0) == "listening"
        assert len(samples(scene)) <= played + VOICE.samples(40)
        assert [line for line in scene.lines if "persimmon" in line] == ["note: persimmon"] * 2


async def test_a_key_interrupts_what_is_spoken_held_or_thought_about(autojump_clock: object) -> None:
    """As Ctrl-C does; with what was heard, and the receipt is shown."""
    async with open_scene() as scene:
        await speaking(scene)
        heard = scene.rig.speaker.played_ms
        scene.client.receipts["x1"] = receipt()
        scene.rig.conversation.press(" ")
        assert await scene.after(0.1) == "interrupted"
        [(request_id, reason, played_ms)] = scene.client.interrupts
        assert (request_id, reason) == ("x1", "USER_STOP")
        assert abs(played_ms - heard) < 0.1
        scene.say("x1", Ended(interrupted=True, reason="USER_STOP"))
        assert await scene.after(0.2) == "listening"
        assert "note: interrupted (USER_STOP): stopped in 0.8 ms, acknowledged after 250.0 ms" in scene.lines
        scene.say("x2", Onset(at_ms=4_000.0), over(), Held())
        assert await scene.after(0.1) == "held"
        scene.rig.conversation.obey(signal.SIGINT)
        assert scene.rig.conversation.view.state == "interrupted"
        assert await scene.after(0.3) == "listening"
        scene.say("x3", Onset(at_ms=5_000.0))
        await scene.after(0.1)
        scene.rig.conversation.press(" ")  # there is no answer to interrupt
        assert await scene.after(0.1) == "hearing"
        scene.say("x3", over())
        await scene.after(0.1)
        scene.rig.conversation.obey(signal.SIGINT)
        assert await scene.after(0.3) == "listening"
        assert [each[0] for each in scene.client.interrupts] == ["x1", "x2", "x3"]
        scene.rig.conversation.obey(signal.SIGINT)
        await scene.rig.conversation.ended.wait()
        assert scene.rig.conversation.code == 130


async def test_who_speaks_on_over_an_interrupted_answer_is_heard(autojump_clock: object) -> None:
    """Also where a key was what interrupted it, or the server by itself."""
    async with open_scene() as scene:
        await speaking(scene)
        scene.say("x2", Onset(at_ms=3_000.0))
        assert await scene.after(0.1) == "speaking"
        scene.rig.conversation.press(" ")
        assert await scene.after(0.5) == "hearing"
        scene.say("x2", over(), sound(100))
        assert await scene.after(0.1) == "speaking"
        scene.say("x2", Ended(interrupted=True, reason="SHUTDOWN"))
        assert await scene.after(0.1) == "listening"
        assert scene.lines[-1] == "note: the server ended the answer: SHUTDOWN"


async def test_an_answer_that_nobody_here_has_asked_for_is_played(autojump_clock: object) -> None:
    """A question that had to wait, or one of another client; the last frames of an answer before it are not."""
    async with open_scene() as scene:
        await speaking(scene, ms=100)
        scene.say("x1", Ended(interrupted=False))
        assert await scene.after(0.1) == "listening"
        scene.say("other", Text("Good evening."), sound(200))
        assert await scene.after(0.1) == "speaking"
        scene.say("x1", sound(500))
        scene.say("other", Ended(interrupted=False))
        assert await scene.after(0.2) == "listening"
        assert scene.lines[-1] == "voxint: Good evening."
        assert len(samples(scene)) == VOICE.samples(300)
