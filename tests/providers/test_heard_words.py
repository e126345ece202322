"""The history of an answer that espeak spoke has the words that were played when it was interrupted."""

from __future__ import annotations

import random
import re
from statistics import mean

import pytest
import trio
import trio.abc
from attrs import frozen

from tests.docs.pages import ROOT
from voxint.core.agent import Agent
from voxint.core.audio import AudioFormat
from voxint.core.conversation import open_conversation
from voxint.core.stages import Speech
from voxint.providers._espeak_job import Manner, Utterance
from voxint.providers._espeak_library import load
from voxint.providers._espeak_text import words
from voxint.providers._written_text import segments
from voxint.testing.stages import ScriptedModel

pytestmark = pytest.mark.virtual_time

TEXTS = (
    "Once there was a lighthouse keeper who could not stop talking. He told the gulls about the fog, and the fog about "
    "the gulls. Ships sailed by and nobody listened.",
    "Yes. I can help with that. First, open the door. Then, when it is warm, put the kettle on. Wait! Is it ready?",
    "The museum opens at nine and closes at five, except on Mondays. The oldest piece is a map of the coast, drawn on "
    "calfskin.",
)

WITHIN = 1
"""Words by which one account may be wrong. Ours: an instant at the very end of a word may fall to either side."""

ON_AVERAGE = 0.1
"""The most that accounts may be wrong on average, in words, and so the most that they may lean to one side."""

INSTANTS = 50


@frozen
class Group:
    """Words that end together.

    Args:
        words: How many have ended by then, from the first of the answer on.
        ends_ms: When the sound of the last is over.
    """

    words: int
    ends_ms: float


class Oracle:
    """espeak, spoken in the step in which it is asked, and its own account of which word sounded until when.

    Args:
        tells_words: Whether it tells each word, as the provider does, or each piece that it was given as a whole.
    """

    def __init__(self, *, tells_words: bool) -> None:
        self._tells_words = tells_words
        self._engine = load()
        self.audio_format = AudioFormat(self._engine.rate)
        self.groups: list[Group] = []
        self._ms = 0.0

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Speak as the provider does, without its process, since a virtual clock jumps while processes work."""
        async for piece in text:
            for segment in segments(piece, 160):
                utterance = self._engine.speak(segment.spoken, Manner("en", 175, 50, 100), lambda: False)
                self._note(segment.spoken, utterance)
                if self._tells_words:
                    for word in words(segment, utterance, self.audio_format):
                        await out.send(word)
                else:
                    await out.send(Speech(utterance.audio, segment.written))

    def _note(self, spoken: str, utterance: Utterance) -> None:
        begun = self.groups[-1].words if self.groups else 0
        bounds = [*((mark.char, mark.ms) for mark in utterance.marks[1:]), (len(spoken), self._length_ms(utterance))]
        for char, ms in bounds:
            sound = utterance.audio[: self.audio_format.bytes(ms)].rstrip(b"\0")
            self.groups.append(
                Group(begun + len(spoken[:char].split()), self._ms + self.audio_format.bytes_ms(len(sound)))
            )
        self._ms += self._length_ms(utterance)

    def _length_ms(self, utterance: Utterance) -> float:
        return self.audio_format.bytes_ms(len(utterance.audio))

    def error_of(self, words: int, ms: float) -> int:
        """Return how many words an account is beyond what had ended at `ms`, or, below 0, short of it.

        Of words that espeak joined, such as `was a`, it only tells when the last has ended.
        """
        ended = max((group.words for group in self.groups if group.ends_ms <= ms), default=0)
        ending = min((group.words for group in self.groups if group.ends_ms > ms), default=ended + 1)
        return min(0, words - ended) + max(0, words - (ending - 1))


async def interrupted(text: str, after_s: float, *, tells_words: bool = True) -> tuple[int, float]:
    """Interrupt an answer: by how many words its history is wrong, and how many ms that were sent were not played."""
    oracle = Oracle(tells_words=tells_words)
    model = ScriptedModel(*re.findall(r"\S+\s*", text))
    async with open_conversation(Agent(llm=model, tts=oracle)) as conversation, trio.open_nursery() as nursery:
        reply = conversation.ask("Tell me.")
        nursery.start_soon(reply.text)
        await trio.sleep(after_s)
        receipt = await reply.interrupt()
        [exchange] = conversation.history.exchanges
    assert receipt is not None
    assert receipt.audio.heard_ms == pytest.approx(after_s * 1000, abs=1)
    assert receipt.text.heard == exchange.reply
    unheard_ms = receipt.audio.sent_ms - receipt.audio.heard_ms
    return oracle.error_of(len(exchange.reply.split()), receipt.audio.heard_ms), unheard_ms


async def errors_of(text: str, *, tells_words: bool) -> tuple[list[int], list[float]]:
    """Return, for interruptions at random instants, by how many words the history is wrong, and what was unheard."""
    chosen = random.Random(len(text))
    found = [await interrupted(text, chosen.uniform(0.2, 6.0), tells_words=tells_words) for _ in range(INSTANTS)]
    return [error for error, _ in found], [ms for _, ms in found]


@pytest.mark.parametrize("text", TEXTS, ids=["story", "short sentences", "facts"])
async def test_history_has_the_words_that_were_played(text: str) -> None:
    """At any instant, to the word; audio that was sent and not played does not count."""
    errors, unheard_ms = await errors_of(text, tells_words=True)
    assert max(map(abs, errors)) <= WITHIN, errors
    assert mean(map(abs, errors)) <= ON_AVERAGE, errors
    assert max(unheard_ms) > 200  # nearly a word, which would be counted if what was sent were heard


async def test_the_page_says_how_exact_it_is() -> None:
    """The table of `interruption.md` has what is measured here, of a voice that tells words and of another."""
    page = (ROOT / "docs" / "explanation" / "interruption.md").read_text(encoding="utf-8")
    assert f"in {INSTANTS * len(TEXTS)} interruptions of {len(TEXTS)} texts" in page
    for tells_words, row in ((True, "each word, "), (False, "each sentence alone, ")):
        errors = [error for text in TEXTS for error in (await errors_of(text, tells_words=tells_words))[0]]
        measured = (
            100 * errors.count(0) / len(errors), mean(map(abs, errors)), mean(errors), max(map(abs, errors)),
        )  # fmt: skip
        found = re.search(rf"^\| {row}.*? \| ([\d.]+)% \| ([\d.]+) \| ([\d.−]+) \| (\d+) \|$", page, re.MULTILINE)
        assert found is not None
        said = tuple(float(cell.replace("−", "-")) for cell in found.groups())
        assert said == pytest.approx(measured, rel=0.05, abs=0.02), measured
