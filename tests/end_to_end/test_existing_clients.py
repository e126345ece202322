"""The museum's existing clients work unchanged: they parse as they always did, and everything completes."""

from __future__ import annotations

import pytest
import trio

from tests.end_to_end.callers import serving
from tests.end_to_end.museum import Museum, Newer, Older, Pending, visit
from voxint.core.agent import Agent, Limits
from voxint.server.config import ServerConfig
from voxint.testing.stages import FOREVER, ScriptedEars, ScriptedModel, ScriptedVoice

SAID = ("The dinosaur ", "hall is upstairs. ", "Follow the signs.")
CONFIG = ServerConfig(port=0, drain_s=0, heartbeat_s=0.2)
STOP_S = 0.75  # for an acknowledgement: the deadline, and a busy machine


def agent(model: ScriptedModel | None = None, limits: Limits = Limits()) -> Agent:
    """Return a museum guide."""
    return Agent(
        stt=ScriptedEars.hears("where is the dinosaur"),
        llm=model or ScriptedModel.says(*SAID, every=0.02),
        tts=ScriptedVoice(seconds_per_char=0.01, rate=22_050),
        limits=limits,
    )


async def done(pending: Pending) -> None:
    """Wait until the page is done with a request."""
    with trio.fail_after(5):
        await pending.done.wait()


@pytest.mark.parametrize("generation", [Older, Newer])
async def test_a_spoken_answer_completes(generation: type[Older] | type[Newer]) -> None:
    """Text and voice come to their end, no sound is lost, no frame comes after it, and no ERROR at all."""
    async with serving(agent(), CONFIG) as server, visit(generation, server.port) as page:
        for _ in range(3):
            answer = await page.ask("Where is the dinosaur?", require_tts=True)
            await done(answer)
            assert answer.text == "".join(SAID)
            assert abs(len(answer.audio) / 2 / 16_000 - 0.01 * len(answer.text)) < 0.02
            assert not answer.interrupted
        assert (page.errors, page.loose) == ([], [])


@pytest.mark.parametrize("generation", [Older, Newer])
async def test_a_written_answer_completes(generation: type[Older] | type[Newer]) -> None:
    """With `require_tts` false, as every REQUEST says that does not set it, no voice comes, also after a spoken one."""
    async with serving(agent(), CONFIG) as server, visit(generation, server.port, require_tts=True) as page:
        for spoken in (True, False, True, False):
            answer = await page.ask("Where is the dinosaur?", require_tts=spoken)
            await done(answer)
            assert bool(answer.audio) == spoken
            assert answer.streams == ({"text", "voice"} if spoken else {"text"})
        assert page.errors == []


async def test_the_older_interrupt_names_a_message() -> None:
    """Its INTERRUPT with a `msg_` id fails and touches nothing; the new REQUEST is what ends the old reply."""
    model = ScriptedModel.turns(ScriptedModel("Well, ", FOREVER), ScriptedModel.says(*SAID))
    async with serving(agent(model), CONFIG) as server, visit(Older, server.port) as page:
        first = await page.ask("Tell me everything", require_tts=True)
        with trio.fail_after(5):
            await first.begun.wait()
        with trio.fail_after(STOP_S):
            await (await page.interrupt("msg_77", "USER_STOP")).wait()
        assert (page.acks[-1]["status"], page.acks[-1]["interrupted_request_ids"]) == ("FAILED", [])
        assert page.acks[-1]["interrupt_request_id"] == "msg_77"
        assert not first.done.is_set()
        second = await page.ask("Where is the dinosaur?", require_tts=True)
        await done(first)
        await done(second)
        assert (first.interrupted, second.interrupted, second.text) == (True, False, "".join(SAID))
        assert (page.errors, page.loose) == ([], [])


async def test_the_newer_interrupts_before_every_request() -> None:
    """An INTERRUPT of the previous request, live or done, and the next one right behind: every one is answered."""
    async with serving(agent(), CONFIG) as server, visit(Newer, server.port) as page:
        answers: list[Pending] = []
        for n in range(12):
            answers.append(await page.ask("Where is the dinosaur?", require_tts=True))
            if n % 3 == 0:
                await done(answers[-1])
            elif n % 3 == 1:
                await trio.sleep(0.03)
        for answer in answers:
            await done(answer)
        assert [answer.interrupted for answer in answers] == [n % 3 != 0 and n != 11 for n in range(12)]
        with trio.fail_after(STOP_S):
            for stop in page.stops.values():
                await stop.wait()
        assert len(page.acks) == 11
        assert (page.errors, page.loose) == ([], [])


async def test_settings_in_camel_case() -> None:
    """`update_session` in camelCase changes what the model is told; `{}` changes nothing."""
    model = ScriptedModel("Yes.")
    async with serving(agent(model), CONFIG) as server, visit(Newer, server.port) as page:
        update = {
            "systemPrompt": {"roleDescription": "You are a guide.", "responseRequirements": "Be brief."},
            "sceneContext": {"description": "The visitor stands in the foyer.", "hall": 3},
            "functionCalling": [],
            "unheardOf": {"deep": [1, 2]},
        }
        await done(await page.ask("Hello", require_tts=False, update=update))
        await done(await page.ask("Hello again", require_tts=False))
        for call in model.calls:
            system = call.given[0].messages[0]
            assert system.role == "system"
            assert "You are a guide." in system.content
            assert "The visitor stands in the foyer." in system.content
        assert page.errors == []


async def test_a_microphone_in_tiny_quanta() -> None:
    """375 frames of 86 bytes a second, 125 of them at once at the start: all is heard, and answered."""
    ears = ScriptedEars.hears("where is the dinosaur")
    with_ears = Agent(stt=ears, llm=ScriptedModel.says(*SAID), tts=ScriptedVoice(seconds_per_char=0.01))
    async with serving(with_ears, CONFIG) as server, visit(Newer, server.port) as page:
        answer = await page.begin(require_tts=True)
        await page.speak(1.0)
        await page.end(answer)
        await done(answer)
        assert answer.text == "".join(SAID)
        assert answer.audio
        assert sum(map(len, ears.calls[0].given)) == 375 * 86
        assert page.errors == []


async def test_a_sentence_cut_in_two() -> None:
    """Its detector cuts a sentence: the second part interrupts the first, and is answered."""
    model = ScriptedModel("Yes.")
    async with serving(agent(model), CONFIG) as server, visit(Newer, server.port) as page:
        first = await page.begin()
        await page.speak(0.5)
        await page.end(first)
        second = await page.begin()
        await page.speak(0.5)
        await page.end(second)
        await done(first)
        await done(second)
        assert (second.interrupted, second.text) == (False, "Yes.")
        assert page.errors == []


async def test_an_utterance_judged_too_short() -> None:
    """A start frame and audio, never an end: the next one takes its place; the last one is given up in time."""
    limits = Limits(upload_idle_s=0.4)
    async with serving(agent(limits=limits), CONFIG) as server, visit(Newer, server.port) as page:
        short = await page.begin()
        await page.speak(0.4)
        answer = await page.ask("Where is the dinosaur?", require_tts=False)
        await done(short)
        await done(answer)
        assert (short.interrupted, answer.text) == (True, "".join(SAID))
        last = await page.begin()
        await page.speak(0.4)
        await done(last)
        assert last.error is not None
        assert last.error["error_code"] == "REQUEST_TIMEOUT"
        assert len(page.errors) == 1


async def test_an_interrupted_upload_goes_on() -> None:
    """After an interrupt it still sends the voice and its end frame: swallowed, without an ERROR."""
    async with serving(agent(), CONFIG) as server, visit(Newer, server.port) as page:
        upload = await page.begin()
        await page.speak(0.4)
        with trio.fail_after(STOP_S):
            await (await page.interrupt(upload.request_id, "USER_STOP")).wait()
        assert page.acks[-1]["interrupted_request_ids"] == [upload.request_id]
        await page.speak(0.4)
        await page.end(upload)
        answer = await page.ask("Where is the dinosaur?", require_tts=True)
        await done(answer)
        assert (answer.text, page.errors, page.loose) == ("".join(SAID), [], [])


async def test_an_empty_text_only_updates() -> None:
    """A REQUEST with an empty text and settings is answered, so that the page does not wait for it for ever."""
    async with serving(agent(), CONFIG) as server, visit(Newer, server.port) as page:
        for spoken in (True, False):
            update = await page.ask("", require_tts=spoken, update={"enableSrs": False})
            await done(update)
            assert (update.text, update.audio, update.interrupted) == ("", b"", False)
        assert (page.errors, page.loose) == ([], [])


async def test_two_pages_may_use_the_same_ids() -> None:
    """Request ids are unique per client only: an interrupt of one page's request does not touch the other's."""
    async with serving(agent(), CONFIG) as server, visit(Newer, server.port) as one, visit(Newer, server.port) as two:
        pages: list[Museum] = [one, two]
        answers = [await page.ask("Where is the dinosaur?", require_tts=True) for page in (one, two)]
        assert answers[0].request_id == answers[1].request_id
        with trio.fail_after(STOP_S):
            await (await one.interrupt(answers[0].request_id, "USER_STOP")).wait()
        for answer in answers:
            await done(answer)
        assert [answer.interrupted for answer in answers] == [True, False]
        assert [page.errors for page in pages] == [[], []]
