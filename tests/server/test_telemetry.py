from __future__ import annotations

from collections.abc import Generator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
import trio
from structlog.testing import capture_logs

from tests.core.ears.coded import quiet, speech
from tests.server.spoken import ALWAYS, QUESTION, STORY, an_agent, stream
from tests.talk import SPOKEN, WRITTEN, Book, Talk, open_talk
from voxint.core.agent import Agent
from voxint.core.failure import Failure
from voxint.core.request import Request
from voxint.core.settings import SettingsChange
from voxint.core.stages import Usage
from voxint.errors import UpstreamError
from voxint.protocol import messages as m
from voxint.server.telemetry import Telemetry
from voxint.testing.stages import FOREVER, HEAR, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

Lines = list[MutableMapping[str, Any]]


@pytest.fixture
def lines() -> Generator[Lines]:
    """Every line logged, at any level."""
    structlog.configure()
    with capture_logs() as captured:
        yield captured
    structlog.reset_defaults()


class Watched:
    """A talk whose server is watched by a telemetry."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.book = Book()
        self.telemetry = Telemetry(self.book)
        talk.host.observer = self.telemetry

    def sample(self, name: str, **labels: str) -> float:
        """Return a sample of the metrics."""
        value = self.telemetry.metrics.registry.get_sample_value(f"voxint_{name}", labels)
        assert value is not None, f"there is no sample {name} {labels}"
        return value


@asynccontextmanager
async def watch(agent: Agent, patch: SettingsChange = WRITTEN, features: tuple[str, ...] = ()) -> Any:
    """Connect a client that has registered."""
    async with open_talk(agent) as talk:
        watched = Watched(talk)
        talk.register(patch, features=features)
        yield watched


def line_of(lines: Lines, event: str) -> MutableMapping[str, Any]:
    """Return the one line of that event."""
    (found,) = [line for line in lines if line["event"] == event]
    return found


async def test_a_complete_request_is_counted_and_logged_once(lines: Lines) -> None:
    """Outcome, first text, tokens as the provider counts them; one INFO line that names session and request."""
    async with watch(Agent(llm=ScriptedModel(0.25, "Well. ", 0.25, Usage(7, 42)))) as watched:
        watched.talk.ask("r1")
        await trio.sleep(0.125)
        assert watched.sample("requests_live") == 1
        await trio.sleep(1)
        assert watched.sample("requests_live") == 0
        assert watched.sample("requests_total", outcome="complete") == 1
        assert watched.sample("llm_tokens_total", source="provider") == 42
        assert watched.sample("first_text_seconds_sum") == 0.25
        assert watched.sample("stop_seconds_count") == 0
        session_id = watched.talk.connection.session.id
        assert watched.book.accepted_ids == ["r1"]
    assert line_of(lines, "request finished") == {
        "event": "request finished",
        "log_level": "info",
        "req_id": "r1",
        "session_id": session_id,
        "outcome": "complete",
        "duration_ms": 500.0,
        "first_text_ms": 250.0,
        "tokens": 42,
        "tokens_source": "provider",
        "audio_generated_ms": 0.0,
        "audio_sent_ms": 0.0,
    }


async def test_an_interrupted_request_is_counted_by_its_reason(lines: Lines) -> None:
    """The reason, the time to stop, tokens estimated from what came; audio generated, sent and heard in seconds."""
    agent = Agent(llm=ScriptedModel("The sea is wide and deep. ", "It is cold. ", FOREVER), tts=ScriptedVoice())
    async with watch(agent, SPOKEN) as watched:
        watched.talk.ask("r1")
        await trio.sleep(0.5)
        watched.talk.interrupt("r1")
        await trio.sleep(1)
        assert watched.sample("requests_total", outcome="interrupted") == 1
        assert watched.sample("interrupts_total", reason="USER_STOP") == 1
        assert watched.sample("stop_seconds_count") == 1
        assert watched.sample("stop_seconds_sum") == 0
        assert watched.sample("llm_tokens_total", source="estimated") == 10
        assert watched.sample("audio_seconds_total", state="heard") == 0.5
        heard, sent, generated = (
            watched.sample("audio_seconds_total", state=state) for state in ("heard", "sent", "generated")
        )
        assert heard < sent < generated
        assert watched.sample("first_audio_seconds_count") == 1
    line = line_of(lines, "request finished")
    assert (line["outcome"], line["reason"], line["stop_ms"]) == ("interrupted", "USER_STOP", 0.0)
    assert line["log_level"] == "info"


async def test_what_leaves_complete_counts_as_heard() -> None:
    """A complete answer's last frames are still being played when it ends; they are no loss."""
    agent = Agent(llm=ScriptedModel("The sea is wide."), tts=ScriptedVoice())
    async with watch(agent, SPOKEN) as watched:
        watched.talk.ask("r1")
        await trio.sleep(5)
        assert watched.sample("audio_seconds_total", state="heard") == 1.0
        assert watched.sample("audio_seconds_total", state="sent") == 1.0


async def test_a_reason_of_the_clients_own_is_counted_as_other() -> None:
    """Clients may send any string as a reason, and a label value each would never be forgotten."""
    async with watch(Agent(llm=ScriptedModel(FOREVER))) as watched:
        for number in range(3):
            watched.talk.ask(f"r{number}")
            await trio.sleep(0.125)
            watched.talk.say(m.Interrupt(interrupt_request_id=None, reason=f"mood {number}"))
            await trio.sleep(0.125)
        assert watched.sample("interrupts_total", reason="other") == 3
        assert b"mood" not in watched.telemetry.metrics.exposition()


async def test_an_overrun_is_a_warning_that_names_the_stage(lines: Lines) -> None:
    """The stage is counted when it is declared and no longer when it has let go, which is logged too."""
    async with watch(Agent(llm=ScriptedModel("Well, ", FOREVER, lingers=1.0))) as watched:
        watched.talk.ask("r1")
        await trio.sleep(0.5)
        watched.talk.interrupt("r1")
        await trio.sleep(0.5)
        assert watched.sample("overruns_total", stage="llm") == 1
        assert watched.sample("overruns_total", stage="tts") == 0
        assert watched.sample("requests_overrunning") == 1
        assert watched.sample("stop_seconds_sum") == 0.25
        await trio.sleep(1)
        assert watched.sample("requests_overrunning") == 0
        assert watched.book.reaped_ids == ["r1"]
    warning = line_of(lines, "stage overran the interrupt deadline")
    assert (warning["log_level"], warning["req_id"], warning["stages"]) == ("warning", "r1", ["llm"])
    assert line_of(lines, "overrun request let go")["after_ms"] == 1000.0


async def test_a_providers_failure_is_a_warning_with_its_stage(lines: Lines) -> None:
    """It is counted by stage and by code."""
    async with watch(Agent(llm=ScriptedModel(UpstreamError("it is down; try later")))) as watched:
        watched.talk.ask("r1")
        await trio.sleep(1)
        assert watched.sample("requests_total", outcome="failed") == 1
        assert watched.sample("stage_failures_total", stage="llm") == 1
        assert watched.sample("request_errors_total", code="UPSTREAM_ERROR") == 1
        assert watched.sample("interrupts_total", reason="other") == 0
    line = line_of(lines, "request failed")
    assert (line["log_level"], line["stage"], line["code"]) == ("warning", "llm", "UPSTREAM_ERROR")
    assert line["error"] == "it is down; try later"
    assert line["cause"][0].startswith("UpstreamError at ")
    [told] = watched.talk.errors
    assert told.error_id == line["error_id"]


async def test_a_usage_that_cannot_be_is_told_and_not_believed(lines: Lines) -> None:
    """The answer stands, and what is counted is the estimate."""
    script = ("Well, well.", Usage(3, 5), Usage(3, 9_000_000_000_000_000_000))
    async with watch(Agent(llm=ScriptedModel(*script))) as watched:
        watched.talk.ask("r1")
        await trio.sleep(1)
        assert watched.talk.text_of("r1") == "Well, well."
        assert watched.sample("usages_disbelieved_total") == 1
        assert watched.sample("llm_tokens_total", source="provider") == 0
        assert watched.sample("llm_tokens_total", source="estimated") == 3
    warning = line_of(lines, "the provider's count of tokens is impossible")
    assert (warning["log_level"], warning["req_id"], warning["estimated"]) == ("warning", "r1", 3)
    assert line_of(lines, "request finished")["tokens_source"] == "estimated"


async def test_an_interrupt_that_finds_nothing_leaves_no_line(lines: Lines) -> None:
    """Existing clients send one before every request."""
    async with watch(Agent(llm=ScriptedModel("Yes."))) as watched:
        watched.talk.interrupt("nobody")
        watched.talk.interrupt()
        await trio.sleep(1)
        assert [ack.status for ack in watched.talk.acks] == ["FAILED", "FAILED"]
    assert [line["event"] for line in lines] == ["registered"]


async def test_lines_bear_no_transcript_audio_or_key(lines: Lines) -> None:
    """Words of the user, of the model, of a provider's exception and of the prompts occur in no line at any level."""
    secret = "persimmon"
    ears = ScriptedEars(HEAR, f"the {secret} of the user")
    models = ScriptedModel.turns(
        ScriptedModel(f"The {secret} of the model. "),
        ScriptedModel(f"a {secret}", ValueError(f"could not parse {secret}")),
        ScriptedModel(f"a {secret}", FOREVER, lingers=1.0),
    )
    agent = Agent(llm=models, stt=ears, tts=ScriptedVoice(), prompt=f"You like {secret}.")
    async with watch(agent, SettingsChange(require_tts=True, system_prompt=secret, scene_context=secret)) as watched:
        watched.talk.begin("r1")
        watched.talk.speak(0.5)
        watched.talk.end("r1")
        await trio.sleep(5)
        watched.talk.ask("r2", secret)
        await trio.sleep(5)
        watched.talk.ask("r3", secret)
        await trio.sleep(1)
        watched.talk.interrupt()
        await trio.sleep(2)
    assert [line["event"] for line in lines if line["log_level"] != "debug"] == [
        "registered",
        "request finished",
        "request failed",
        "request finished",
        "stage overran the interrupt deadline",
        "overrun request let go",
    ]
    assert secret not in repr(lines)


async def test_no_line_is_logged_per_frame(lines: Lines) -> None:
    """Two hundred deltas, as many audio frames and tiny microphone quanta make no more lines than one of each."""
    agent = Agent(llm=ScriptedModel.says(*["word "] * 200, every=0.125), stt=ScriptedEars.hears("hello"))
    async with watch(agent) as watched:
        watched.talk.begin("r1")
        for _ in range(375):
            watched.talk.speak(0.0027)
        watched.talk.end("r1")
        await trio.sleep(60)
        assert watched.sample("requests_total", outcome="complete") == 1
    assert [line["event"] for line in lines] == ["registered", "request accepted", "request finished"]


async def test_counting_and_logging_wait_for_the_acknowledgement_to_go_first(lines: Lines) -> None:
    """They take as long as an interruption itself; a moment later the line still names its session."""
    async with watch(Agent(llm=ScriptedModel("Well, ", FOREVER))) as watched, trio.open_nursery() as nursery:
        until = trio.CancelScope()
        nursery.start_soon(watched.telemetry.run, until)
        watched.talk.ask("r1")
        await trio.sleep(0.5)
        watched.talk.interrupt()
        while not watched.talk.acks:
            await trio.lowlevel.checkpoint()
        assert [line for line in lines if line["event"] == "request finished"] == []
        assert watched.sample("requests_live") == 0
        assert watched.sample("interrupts_total", reason="USER_STOP") == 0
        await trio.sleep(1)
        assert line_of(lines, "request finished")["session_id"] == watched.talk.connection.session.id
        assert watched.sample("interrupts_total", reason="USER_STOP") == 1
        watched.talk.ask("r2")
        await trio.sleep(0.5)
        watched.talk.interrupt()
        await watched.talk.connection.session.registry.find("r2").stopped.wait()
        until.cancel()
    assert watched.sample("interrupts_total", reason="USER_STOP") == 2


async def test_a_request_that_cannot_be_counted_ends_nothing(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs its numbers and a line that names the bug; the next is counted."""
    accounts = [ValueError("persimmon")]

    def account(self: Telemetry, request: Request, failure: Failure | None) -> None:
        raise accounts.pop()

    async with watch(Agent(llm=ScriptedModel("Yes."))) as watched, trio.open_nursery() as nursery:
        until = trio.CancelScope()
        nursery.start_soon(watched.telemetry.run, until)
        with monkeypatch.context() as patched:
            patched.setattr(Telemetry, "_account", account)
            watched.talk.ask("r1")
            await trio.sleep(1)
        assert accounts == []
        watched.talk.ask("r2")
        await trio.sleep(1)
        assert watched.sample("requests_total", outcome="complete") == 1
        until.cancel()
    line = line_of(lines, "ended request not counted")
    assert line["req_id"] == "r1"
    assert line["trace"][0].startswith(f"ValueError at {__file__}:")


async def test_two_servers_count_apart() -> None:
    """Each has a registry of its own, and none of them is the process's."""
    one, other = Telemetry(), Telemetry()
    one.metrics.live.inc()
    assert other.metrics.registry.get_sample_value("voxint_requests_live") == 0


async def test_an_answer_cut_while_it_plays_out_is_no_interruption() -> None:
    """It had been sent whole: a client that hangs up in its last moments is not counted as an interrupted request."""
    agent = Agent(llm=ScriptedModel("Well, that is all."), tts=ScriptedVoice())
    async with watch(agent, SPOKEN) as watched:
        watched.talk.ask("r1")
        await trio.sleep(1)  # of 1.125 s of speech: all has left, the last of it is still to be heard
        (request,) = watched.book.finished_requests
        assert request.playing
        watched.talk.connection.lost()
        await trio.sleep(1)
        assert watched.sample("requests_total", outcome="complete") == 1
        assert watched.telemetry.metrics.registry.get_sample_value(
            "voxint_interrupts_total", {"reason": "DISCONNECT"}
        ) in (None, 0)


async def test_what_is_heard_is_counted_and_logged(lines: Lines) -> None:
    """One line for each utterance, and no word of it; who only listened is counted as no request."""
    async with watch(an_agent(), features=ALWAYS) as watched:
        await stream(watched.talk, speech(640), quiet(3000), *QUESTION)
        await trio.sleep(2)
        assert watched.sample("utterances_total", outcome="noise") == 1
        assert watched.sample("utterances_total", outcome="request") == 1
        assert watched.sample("requests_total", outcome="complete") == 1
        assert watched.sample("requests_live") == 0
    assert len([line for line in lines if line["event"] == "request finished"]) == 1
    noise, asked = [line for line in lines if line["event"] == "utterance heard"]
    assert (noise["outcome"], asked["outcome"]) == ("noise", "request")
    assert asked["req_id"] == line_of(lines, "request finished")["req_id"]
    assert 0 < asked["silence_ms"] < 3000
    assert "what" not in str(asked)


async def test_what_was_held_is_counted(lines: Lines) -> None:
    """As released, by why it goes on; what a voice interrupts is counted as that."""
    async with watch(an_agent(STORY), SPOKEN, ("hold", *ALWAYS)) as watched:
        watched.talk.ask("r1")
        await trio.sleep(1)
        watched.talk.say(m.Interrupt(mode="hold"))
        await trio.sleep(1)
        watched.talk.say(m.Interrupt(mode="release"))
        watched.talk.say(m.Interrupt(mode="hold"))
        await trio.sleep(2.5)
        assert watched.sample("releases_total", reason="client") == 1
        assert watched.sample("releases_total", reason="timeout") == 1
        await stream(watched.talk, *QUESTION)
        await trio.sleep(1)
        assert watched.sample("interrupts_total", reason="USER_VOICE_INPUT") == 1
