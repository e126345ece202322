"""What a caller may choose of an agent: the voice that it speaks with, and the language that it is told to hear."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from attrs import evolve
from structlog.testing import capture_logs

from tests.core.ears.coded import quiet
from tests.core.test_open_microphone import a_booth, an_agent
from voxint.core.agent import Agent
from voxint.core.audio import AudioFormat
from voxint.core.conversation import Conversation, open_conversation
from voxint.core.languages import language_name
from voxint.core.offers import Offers, offers
from voxint.core.settings import Settings, SettingsChange
from voxint.core.stages import Speech, VoiceOption
from voxint.errors import RequestFailed, RequestRefused
from voxint.testing.stages import HEAR, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

ANNA, TAO = VoiceOption("anna", "en"), VoiceOption("tao", "zh")


def voice() -> ScriptedVoice:
    """Return a synthesizer with two voices."""
    return ScriptedVoice(voices=(ANNA, TAO))


def ears() -> ScriptedEars:
    """Return a recogniser that can be told two languages."""
    return ScriptedEars(HEAR, HEARD, languages=("en", "zh"))


HEARD = "what time is it?"


async def heard(conversation: Conversation) -> str:
    """Say something, and return the answer."""
    reply = conversation.listen()
    reply.end()
    return await reply.text()


async def test_a_voice_that_was_chosen_speaks_from_the_next_request_on() -> None:
    """Also once another was chosen, and then none; what is being said goes on in its own voice."""
    tts = voice()
    async with open_conversation(Agent(llm=ScriptedModel("Yes."), tts=tts), Settings(voice="tao")) as conversation:
        for chosen in ("anna", "", "tao"):
            reply = conversation.ask("Hi")
            await trio.sleep(0.125)
            conversation.settings = evolve(conversation.settings, voice=chosen)
            await reply.text()
    assert [call.chosen for call in tts.calls] == ["tao", "anna", ""]


async def test_a_language_that_was_chosen_is_heard_by_every_microphone() -> None:
    """In an utterance that is asked for, and in one that is always open, from its next utterance on."""
    stt = ears()
    agent = an_agent("Noon.", stt=stt)
    async with a_booth(agent, Settings(language="zh")) as booth:
        await heard(booth.conversation)
        await booth.asked()
        await booth.say(quiet(2000))
        booth.conversation.settings = evolve(booth.conversation.settings, language="")
        await booth.asked()
    assert [call.chosen for call in stt.calls] == ["zh", "zh", ""]


@pytest.mark.parametrize(
    ("language", "prompt", "told"),
    [
        ("zh", "Answer in {language}.", "Be brief.\n\na guide\n\nAnswer in Chinese."),
        ("zh", "", "Be brief.\n\na guide"),
        ("", "Answer in {language}.", "Be brief.\n\na guide"),
        ("zh", "{0} {language}", "Be brief.\n\na guide\n\n{0} Chinese"),
    ],
)
async def test_the_model_is_told_of_the_language_as_the_operator_wants(language: str, prompt: str, told: str) -> None:
    """In the operator's words, last of all; without words, and without a language, it is told nothing."""
    llm = ScriptedModel("Noon.")
    agent = Agent(llm=llm, stt=ears(), prompt="Be brief.", language_prompt=prompt)
    async with open_conversation(agent, Settings(language=language, system_prompt="a guide")) as conversation:
        await conversation.ask("Hi").text()
    assert llm.calls[0].given[0].messages[0].content == told


def test_a_language_that_few_speak_is_told_by_its_tag() -> None:
    """A model knows the tags."""
    assert (language_name("zh"), language_name("haw")) == ("Chinese", 'the language with the tag "haw"')


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (Settings(voice="bob"), "this agent has no such voice: give one of anna, tao, or none for its own"),
        (Settings(language="fr"), "this agent has no such language: give one of en, zh, or none for its own"),
        (Settings(language="EN"), "this agent has no such language: give one of en, zh, or none for its own"),
    ],
)
async def test_what_is_not_offered_is_refused_where_it_is_set(settings: Settings, told: str) -> None:
    """When a conversation is opened, and when its settings are assigned, which changes nothing then."""
    agent = Agent(llm=ScriptedModel("Yes."), stt=ears(), tts=voice())
    with pytest.raises(ValueError, match="such") as raised:
        async with open_conversation(agent, settings):
            raise AssertionError("it was opened")
    assert str(raised.value) == told
    async with open_conversation(agent, Settings(voice="tao")) as conversation:
        with pytest.raises(ValueError, match="such"):
            conversation.settings = settings
        assert conversation.settings == Settings(voice="tao")


async def test_an_agent_that_offers_nothing() -> None:
    """It says that there is no choice; none at all is no wrong choice."""
    agent = Agent(llm=ScriptedModel("Yes."), tts=ScriptedVoice())
    assert offers(agent) == Offers()
    async with open_conversation(agent) as conversation:
        for what in ("voice", "language"):
            with pytest.raises(ValueError, match=f"the {what} of this agent can't be chosen: give none"):
                conversation.settings = Settings(**{what: "en"})  # type: ignore[arg-type]  # which one is told by its name


async def test_a_refusal_names_some_of_many() -> None:
    """A thousand voices make no line of ten thousand characters."""
    tts = ScriptedVoice(voices=[VoiceOption(f"voice_{number}", "en") for number in range(1000)])
    with pytest.raises(ValueError, match=r"give one of voice_0, .* and \d+ more, or none") as raised:
        async with open_conversation(Agent(llm=ScriptedModel(), tts=tts), Settings(voice="bob")):
            raise AssertionError("it was opened")
    assert len(str(raised.value)) < 300


async def test_the_voices_of_one_synthesizer_share_its_seats() -> None:
    """Who has chosen a voice takes the same seat as who has not."""
    tts = ScriptedVoice(seats=1, voices=(ANNA, TAO))
    agent = Agent(llm=ScriptedModel("Well. ", 5.0, "Yes."), tts=tts)
    async with open_conversation(agent, Settings(voice="anna")) as one, open_conversation(agent) as other:
        reply = one.ask("Hi")
        with pytest.raises(RequestRefused, match="speech synthesis is serving as many callers as it can"):
            other.ask("Hi")
        await reply.text()


def test_offers_are_what_the_stages_say_now() -> None:
    """An engine may know them only once it is entered; what it says wrong then is told in the log, and not offered."""
    tts = voice()
    agent = Agent(llm=ScriptedModel(), stt=ears(), tts=tts)
    assert offers(agent) == Offers((ANNA, TAO), ("en", "zh"))
    tts.voices = ()
    assert offers(agent).voices == ()
    tts.voices = ("anna",)  # type: ignore[assignment]  # wrong on purpose
    with capture_logs() as logs:
        assert offers(agent).voices == ()
    [line] = logs
    assert (line["stage"], line["log_level"]) == ("tts", "warning")
    assert line["detail"].startswith("ScriptedVoice has a text that is no tag in its `voices`: write VoiceOption")


def test_what_was_chosen_before_stays_whatever_is_changed_beside_it() -> None:
    """A change that names neither leaves both."""
    settings = Settings(voice="anna", language="en")
    assert settings.changed(SettingsChange(require_tts=False)) == evolve(settings, require_tts=False)
    assert settings.changed(SettingsChange(voice="", language="zh")) == Settings(language="zh")


class _Humming:
    audio_format = AudioFormat()
    voices: Any = (ANNA,)

    async def synthesize(self, text: Any, out: Any) -> None:
        async for piece in text:
            await out.send(Speech(bytes(3200), piece))


class _Raising(_Humming):
    def speaking_as(self, voice: str) -> Any:
        raise LookupError("a secret of the provider's")


class _Worthless(_Humming):
    def speaking_as(self, voice: str) -> Any:
        return voice


class _DeafToLanguages(ScriptedEars):
    def hearing(self, language: str) -> Any:
        raise LookupError("a secret of the provider's")


@pytest.mark.parametrize(
    ("tts", "message", "detail"),
    [
        (_Raising(), "the provider raised LookupError", ""),
        (
            _Worthless(),
            "the synthesizer can't be called; tell the operator of this service",
            "_Worthless.speaking_as returned what is no synthesizer: a str has no method `synthesize`: a synthesizer "
            "is an object with a method `async def synthesize(self, text, out)`",
        ),
    ],
)
async def test_a_synthesizer_that_gives_no_voice_fails_the_requests_that_want_one(
    tts: Any, message: str, detail: str
) -> None:
    """The stage is named, nothing it said is quoted, and who has not chosen is answered."""
    llm = ScriptedModel("Yes.")
    async with open_conversation(Agent(llm=llm, tts=tts), Settings(voice="anna")) as conversation:
        with pytest.raises(RequestFailed) as raised:
            await conversation.ask("Hi").text()
        failed = raised.value
        assert (failed.kind, failed.stage, failed.message, failed.detail) == ("upstream", "tts", message, detail)
        assert not llm.calls
        for settings in (Settings(), Settings(voice="anna", require_tts=False)):
            conversation.settings = settings
            assert await conversation.ask("Hi").text() == "Yes."


async def test_a_recogniser_that_gives_no_ears_fails_what_has_to_be_heard() -> None:
    """A question in text needs none."""
    agent = Agent(llm=ScriptedModel("Yes."), stt=_DeafToLanguages(HEARD, languages=("en",)))
    async with open_conversation(agent, Settings(language="en")) as conversation:
        with pytest.raises(RequestFailed, match="the provider raised LookupError"):
            await heard(conversation)
        assert await conversation.ask("Hi").text() == "Yes."


class _Silent(_Humming):
    pass


class _Listed(_Raising):
    voices = [ANNA]  # noqa: RUF012 - wrong on purpose


class _Texts(_Raising):
    voices = ("anna", TAO)


class _Read(_Raising):
    @property
    def voices(self) -> Any:
        raise OSError("no such file")


class _Awaited(_Humming):
    async def speaking_as(self, voice: str) -> Any: ...


class _Nobody(_Humming):
    def speaking_as(self) -> Any: ...


class _Polyglot(ScriptedEars):
    def __init__(self, languages: Any) -> None:
        super().__init__()
        self.languages = languages


HEAD = "write `def speaking_as(self, voice)`"
OPTION = "VoiceOption(name, language) for each"
TAG = 'the tags of languages, such as ("en", "zh")'


@pytest.mark.parametrize(
    ("stages", "told"),
    [
        ({"tts": _Silent()}, f"tts: _Silent has `voices` and no method `speaking_as`: {HEAD}"),
        ({"tts": _Listed()}, f"tts: _Listed has a list as its `voices`: write a tuple, {OPTION}"),
        ({"tts": _Texts()}, f"tts: _Texts has a text that is no tag in its `voices`: write {OPTION}"),
        ({"tts": _Awaited()}, f"tts: _Awaited.speaking_as must return the stage itself, and at once: {HEAD}"),
        ({"tts": _Nobody()}, f"tts: _Nobody.speaking_as takes other arguments: {HEAD}"),
        ({"stt": _Polyglot(("en", 5))}, f"stt: _Polyglot has an int in its `languages`: write {TAG}"),
        ({"stt": _Polyglot("en")}, f"stt: _Polyglot has a str as its `languages`: write a tuple, {TAG}"),
        ({"stt": _Polyglot(("",))}, f"stt: _Polyglot has a text that is no tag in its `languages`: write {TAG}"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_stage_offers_wrong_is_told_when_the_agent_is_made(stages: dict[str, Any], told: str) -> None:
    """Which stage, what is wrong with it, and what to write."""
    with pytest.raises(TypeError) as raised:
        Agent(llm=ScriptedModel(), **stages)
    assert str(raised.value) == f"Agent.{told}"


def test_an_attribute_that_raises_is_told_with_its_line() -> None:
    """The kind of exception and where it was raised, and none of its words."""
    with pytest.raises(
        TypeError, match=r"_Read\.voices raised OSError when it was read, at .*test_offers\.py"
    ) as raised:
        Agent(llm=ScriptedModel(), tts=_Read())
    assert "no such file" not in str(raised.value)


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb"])
def test_a_voice_has_a_name_that_can_be_listed(name: str) -> None:
    """It stands in a refusal, and on a page."""
    with pytest.raises(ValueError, match=r"VoiceOption\.name must have 1 to 64 characters that can be printed"):
        VoiceOption(name, "en")
