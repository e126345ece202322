"""Interrupt at every place there is, over real sockets: what the caller reads and what the upstream saw must agree."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
from attrs import frozen

from tests.end_to_end.callers import Caller, calling, turns
from tests.end_to_end.turns import MANNERS, Bench, Manner, bench, check_whole, interrupt_and_check, interrupted_turn
from tests.end_to_end.upstream import CALM, CHAT, SPEECH, Fault
from voxint.protocol import messages as m
from voxint.testing.sim import LedgerEntry, Sim

EVERY_NTH = 2
"""Of the frames; each is one caller."""

AT_ONCE = 8
"""Callers: enough to save time, few enough that each still gets its frames one by one."""

PIECES, PIECE_MS = 6, 20
"""Of a voice upload."""


@pytest.mark.parametrize("manner", MANNERS, ids=str)
async def test_upon_each_frame(sim: Sim, manner: Manner) -> None:
    """An interrupt upon any frame of a spoken reply, the first, the last and those between, keeps every promise."""
    async with bench(sim) as run:
        async with calling(run.url) as caller:
            turn = next(turns)
            await (await caller.ask(f"r{turn}", f"turn {turn}")).text()
            check_whole(caller, turn)
            frames = len(caller.frames_of(f"r{turn}"))
        assert frames > 30
        numbers = sorted({*range(1, frames + 1, EVERY_NTH), frames})
        outcomes: list[str] = []

        limit = trio.CapacityLimiter(AT_ONCE)

        async def one(number: int) -> None:
            async def read_so_many(request_id: str, _: int) -> None:
                await caller.frame(number, request_id)

            async with limit, calling(run.url) as caller:
                turn, ack = await interrupted_turn(run, caller, manner, read_so_many)
                outcomes.append(ack.outcomes.get(f"r{turn}", "already_finished"))

        async with trio.open_nursery() as nursery:
            for number in numbers:
                nursery.start_soon(one, number)
    assert outcomes.count("stopped") >= len(numbers) // 3  # a busy machine joins frames: some numbers never come


@pytest.mark.parametrize("manner", MANNERS, ids=str)
async def test_right_behind_the_request(sim: Sim, manner: Manner) -> None:
    """An interrupt in the same packet as its REQUEST finds it, and nothing was asked of any upstream."""
    async with bench(sim) as run, calling(run.url) as caller:

        async def at_once(request_id: str, turn: int) -> None:
            pass

        for _ in range(5):
            turn, ack = await interrupted_turn(run, caller, manner, at_once)
            assert ack.outcomes == {f"r{turn}": "stopped"}
            assert len(caller.frames_of(f"r{turn}")) == 1


@frozen
class Stuck:
    """An upstream that hangs somewhere.

    Args:
        where: In words.
        chat: The model's fault.
        speech: The synthesizer's.
        seen: Whether it hangs already, by its requests of the turn and how many connections are in use.
        llm: What the receipt has to say of the model.
    """

    where: str
    seen: Callable[[list[LedgerEntry], int], bool]
    chat: Fault = CALM
    speech: Fault = CALM
    llm: str = "closed"


def second_dial(entries: list[LedgerEntry], in_use: int) -> bool:
    """Return whether a connection is in use beside the model's."""
    return bool(entries) and in_use == 1 + (entries[0].outcome != "complete")


def stalled(path: str, written: int) -> Callable[[list[LedgerEntry], int], bool]:
    """Return whether a request hangs after so many tokens or chunks."""

    def seen(entries: list[LedgerEntry], in_use: int) -> bool:
        return any(
            entry.endpoint == path and entry.outcome == "stalled" and entry.tokens_written == written
            for entry in entries
        )

    return seen


STUCK = [
    Stuck("the model's connect", lambda entries, in_use: in_use == 1, chat={"connect": "stall"}),
    Stuck("before the model's headers", stalled(CHAT, 0), chat={"stall_headers": True}),
    Stuck("after the model's headers", stalled(CHAT, 0), chat={"stall_after": 0}),
    Stuck("in mid-sentence", stalled(CHAT, 9), chat={"stall_after": 9}),
    Stuck("after the last token", stalled(CHAT, 24), chat={"stall_after": 24}),
    Stuck("the synthesizer's connect", second_dial, speech={"connect": "stall"}, llm=""),
    Stuck("before the synthesizer's headers", stalled(SPEECH, 0), speech={"stall_headers": True}, llm=""),
    Stuck("in mid-speech", stalled(SPEECH, 2), speech={"stall_after": 2}, llm=""),
]


@pytest.mark.parametrize("manner", MANNERS, ids=str)
@pytest.mark.parametrize("stuck", STUCK, ids=lambda stuck: stuck.where)
async def test_a_stuck_upstream(sim: Sim, stuck: Stuck, manner: Manner) -> None:
    """An upstream that hangs, wherever it does, is left at once, and the turn behind is not held up."""
    async with bench(sim) as run, calling(run.url) as caller:
        turn = next(turns)
        run.upstream.chat[turn], run.upstream.speech[turn] = stuck.chat, stuck.speech
        await caller.ask(f"r{turn}", f"turn {turn}")
        http = run.upstream.http
        await run.upstream.until(
            lambda all_of_them: stuck.seen(
                [entry for entry in all_of_them if entry.turn == turn], http.statistics().in_use
            )
        )
        ack = await interrupt_and_check(run, caller, manner, turn)
        stages = ack.receipts[f"r{turn}"].stages
        assert stages["llm"] == stuck.llm or not stuck.llm
        assert stages["tts"] == "closed"


async def voice(caller: Caller, turn: int, pieces: int, *, end: bool) -> None:
    """Begin to ask in voice, every sample of which is the turn's number."""
    request_id = f"r{turn}"
    content = m.Content(voice_mode="BINARY", audio_format="pcm")
    start = m.RequestMessage(request_id=request_id, data_type="VOICE", stream_flag=True, content=content)
    caller.checker.sent(start, trio.current_time())
    upload = await caller.client.open_voice(request_id=request_id)
    for _ in range(pieces):
        await upload.send(turn.to_bytes(2, "little") * (16 * PIECE_MS))
        await trio.sleep(0.005)
    if end:
        await upload.end()


async def heard_bytes(run: Bench, after: int, size: int) -> None:
    """Wait until the transcription after the entry `after` has received so many bytes."""
    await run.upstream.until(lambda seen: bool(seen) and seen[-1].bytes_received >= size, after=after)


async def check_transcription(sim: Sim, after: int) -> None:
    """Assert that the upstream saw one transcription, and that it was left before it had answered."""
    report = await sim.ledger(after=after, settled=True)
    [entry] = [entry for entry in report.requests if entry.endpoint.endswith("transcriptions")]
    assert entry.outcome == "disconnected"
    assert entry.tokens_after_disconnect == 0


@pytest.mark.parametrize("manner", MANNERS, ids=str)
async def test_after_each_piece_of_an_upload(sim: Sim, manner: Manner) -> None:
    """An interrupt in the middle of the user's own voice ends the recognition, after whichever piece it comes."""
    async with bench(sim) as run, calling(run.url) as caller:
        for pieces in range(PIECES):
            after, turn = await run.upstream.latest(), next(turns)
            await voice(caller, turn, pieces, end=False)
            if pieces:
                await heard_bytes(run, after, 32 * PIECE_MS * pieces)
            ack = await interrupt_and_check(run, caller, manner, turn)
            assert ack.receipts[f"r{turn}"].stages == {"stt": "closed", "llm": "idle", "tts": "idle", "tools": "idle"}
            if pieces:
                await check_transcription(sim, after)


HANGING: list[tuple[str, Fault]] = [
    ("between the upload's end and the transcript", {"transcript_delay_s": 5.0}),
    ("before the transcription's headers", {"stall_headers": True}),
    ("within the transcript", {"stall_after": 1}),
]


@pytest.mark.parametrize("manner", MANNERS, ids=str)
@pytest.mark.parametrize("fault", [fault for _, fault in HANGING], ids=[where for where, _ in HANGING])
async def test_after_the_upload(sim: Sim, fault: Fault, manner: Manner) -> None:
    """An interrupt of a voice that was sent to its end and is not understood yet ends the recognition."""
    async with bench(sim, hearing=fault) as run, calling(run.url) as caller:
        after, turn = await run.upstream.latest(), next(turns)
        await voice(caller, turn, PIECES, end=True)
        await heard_bytes(run, after, 32 * PIECE_MS * PIECES)
        if "stall_after" in fault:
            await run.upstream.until(lambda seen: seen[-1].tokens_written == 1, after=after)
        ack = await interrupt_and_check(run, caller, manner, turn)
        assert ack.receipts[f"r{turn}"].stages == {"stt": "closed", "llm": "idle", "tts": "idle", "tools": "idle"}
        await check_transcription(sim, after)


async def test_a_voice_is_understood_and_answered(sim: Sim) -> None:
    """Left alone, the voice of the sweep is heard, answered and spoken: the sweep interrupts something real."""
    async with bench(sim) as run, calling(run.url) as caller:
        turn = next(turns)
        await voice(caller, turn, PIECES, end=True)
        with trio.fail_after(5):
            while not caller.ended(f"r{turn}"):
                await caller.more.park()
        check_whole(caller, turn)
