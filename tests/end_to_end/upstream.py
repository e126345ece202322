"""The three stages, all of them on sockets to the simulated upstream, and what its ledger says of one turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import trio
from attrs import define, field

from voxint.core.agent import Agent, Limits
from voxint.core.audio import AudioFormat
from voxint.core.stages import ModelOutput, Speech, Turn
from voxint.net.http import HttpClient
from voxint.providers.openai_chat import OpenAIChat
from voxint.testing.sim import LedgerEntry, Sim
from voxint.testing.sim.content import turn_of
from voxint.testing.upstream_stages import HttpSpeech, HttpTranscription

__all__ = ["CALM", "CHAT", "SLACK_S", "SPEECH", "TRANSCRIPTION", "Fault", "Upstream", "stopped_by"]

SLACK_S = 0.25
"""How much later than the acknowledgement the upstream may note the end: the simulator is another process, which a busy
machine may not run for a while. What is asserted is that nobody has to act after the acknowledgement."""

CHAT, SPEECH, TRANSCRIPTION = "/v1/chat/completions", "/v1/audio/speech", "/v1/audio/transcriptions"

PACE: Mapping[str, object] = {
    "content": "numbered",
    "tokens": 24,
    "tokens_per_sentence": 6,
    "first_token_s": 0.02,
    "token_interval_s": 0.01,
    "first_chunk_s": 0.01,
    "chunk_interval_s": 0.01,
    "chunk_ms": 80.0,
    "speech_s": 0.15,
    "transcript_delay_s": 0.05,
    "delta_interval_s": 0.02,
}
"""A reply of four sentences, 0.6 s of speech: written in a quarter of a second, spoken while it is still written."""

Fault = Mapping[str, object]
"""What one turn's upstream does otherwise: an `X-Sim`, and `connect: stall` for the port where no connect completes."""

CALM: Fault = {}


@define(eq=False)
class Upstream:
    """The stages of an agent; each turn, by the number in its words, may have faults of its own.

    Args:
        sim: The upstream.
        http: The client of all stages.
        chat: Faults of the model, by turn.
        speech: Faults of the synthesizer, by turn.
        hearing: What every transcription does otherwise, because there the turn is known only at its end.
        pace: How the upstream behaves where no fault is set.
    """

    sim: Sim
    http: HttpClient
    chat: dict[int, Fault] = field(factory=dict)
    speech: dict[int, Fault] = field(factory=dict)
    hearing: Fault = CALM
    pace: Mapping[str, object] = PACE

    def agent(self, limits: Limits = Limits()) -> Agent:
        """Return an agent with ears, model and voice."""
        url, headers = self._reach(self.hearing)
        return Agent(
            stt=HttpTranscription(self.http, url, headers=headers),
            llm=_Model(self),
            tts=_Voice(self),
            limits=limits,
        )

    def model(self, turn: int) -> OpenAIChat:
        """Return the model as it is in that turn."""
        url, headers = self._reach(self.chat.get(turn, CALM))
        return OpenAIChat(url, "sim", http=self.http, headers=headers)

    def voice(self, turn: int) -> HttpSpeech:
        """Return the synthesizer as it is in that turn."""
        url, headers = self._reach(self.speech.get(turn, CALM))
        return HttpSpeech(self.http, url, headers=headers)

    def _reach(self, fault: Fault) -> tuple[str, dict[str, str]]:
        changes = {**self.pace, **fault}
        if changes.pop("connect", None) == "stall":
            return f"{self.sim.address.stalled_url}/v1", {}
        return self.sim.base_url, {"x-sim": msgspec.json.encode(changes).decode()}

    async def entries(self, *turns: int, after: int = 0) -> list[LedgerEntry]:
        """Return what the upstream saw of these turns, once no request at all is under way."""
        report = await self.sim.ledger(after=after, settled=True)
        return [entry for entry in report.requests if entry.turn in turns]

    async def until(self, condition: Callable[[list[LedgerEntry]], bool], *, after: int = 0) -> None:
        """Wait until the upstream's requests are so; it tells nobody, so it is polled."""
        with trio.fail_after(5):
            while not condition((await self.sim.ledger(after=after)).requests):  # noqa: ASYNC110 - it has no event to give
                await trio.sleep(0.005)

    async def latest(self) -> int:
        """Return the id of the last request that the upstream saw."""
        return max((entry.id for entry in (await self.sim.ledger()).requests), default=0)

    async def quiet(self) -> None:
        """Wait until no request owns a connection; the pool tells nobody, so it is polled."""
        with trio.fail_after(2):
            while (held := self.http.statistics()).in_use or held.waiting:  # noqa: ASYNC110 - it has no event to give
                await trio.sleep(0.005)


@define(eq=False)
class _Model:
    """Answers each turn with the model of that turn."""

    upstream: Upstream

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Ask the upstream."""
        await self.upstream.model(turn_of(turn.messages[-1].content) or 0).generate(turn, out)


@define(eq=False)
class _Voice:
    """Speaks each piece with the synthesizer of its turn."""

    upstream: Upstream
    audio_format: AudioFormat = AudioFormat(24_000)

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Ask the upstream, piece by piece."""
        async for piece in text:
            give, take = trio.open_memory_channel[str](1)
            give.send_nowait(piece)
            give.close()
            await self.upstream.voice(turn_of(piece) or 0).synthesize(take, out)


def stopped_by(entry: LedgerEntry, acknowledged: float) -> None:
    """Assert that the upstream saw the end of this request no later than the acknowledgement, and then did no more."""
    assert entry.outcome in ("complete", "disconnected", "stopped", "refused"), entry
    # One may be in the making in the very step in which the end is seen; it is not written any more.
    assert entry.tokens_after_disconnect <= 1, entry
    assert entry.tokens_written <= entry.tokens_generated - entry.tokens_after_disconnect, entry
    if entry.t_disconnect_seen is not None:
        assert entry.t_disconnect_seen <= acknowledged + SLACK_S, entry
    assert all(at <= acknowledged + SLACK_S for at in entry.generated_at), entry
