"""The pocketsphinx provider, with real processes: what it understands, and that an interruption leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.processes import ENVIRONMENT, every_child, exists, open_files, until
from tests.providers.spoken import QUIET, Utterance, hear, say
from voxint.core.stages import SpeechToText, Transcript
from voxint.errors import ConfigError, UpstreamError
from voxint.providers.pocketsphinx import PocketSphinx, demo_sentences

OTHERS: set[int] = set()
"""Processes that other tests of this run keep, such as a simulated upstream for the whole session."""


@pytest.fixture(autouse=True)
def _note_others() -> None:
    OTHERS.clear()
    OTHERS.update(every_child())


def children() -> set[int]:
    """The processes that this test has started and not reaped."""
    return every_child() - OTHERS


def only_child() -> int:
    """The one process there is."""
    (pid,) = children()
    return pid


async def test_it_is_a_stage() -> None:
    """A PocketSphinx is a SpeechToText at 16 kHz."""
    async with PocketSphinx() as stt:
        assert isinstance(stt, SpeechToText)
        assert stt.audio_format.rate == 16_000


async def test_the_engine_is_kept_out_of_this_process() -> None:
    """It holds the GIL for half a second: after an answer the program that asked for it has not loaded it."""
    program = (
        "import sys, trio; from voxint.providers.pocketsphinx import PocketSphinx\n"
        "print(trio.run(PocketSphinx().check))\n"
        "print(any(name.split('.')[0] in ('pocketsphinx', '_pocketsphinx') for name in sys.modules))"
    )
    with trio.fail_after(30):
        done = await trio.run_process([sys.executable, "-c", program], capture_stdout=True, env=ENVIRONMENT)
    answered, loaded = done.stdout.decode().splitlines()
    assert "answered" in answered
    assert loaded == "False"


async def test_it_understands_the_demo() -> None:
    """Every sentence of the demo's grammar, spoken by espeak, is understood; one may fail, for espeak is not exact."""
    missed = []
    async with PocketSphinx() as stt:
        for sentence in demo_sentences():
            (*_, final) = await hear(stt, await say(sentence))
            if final.text != sentence:
                missed.append((sentence, final.text))
    assert len(demo_sentences()) >= 24
    assert len(missed) <= 1, missed


async def test_partials_come_while_the_audio_still_does() -> None:
    """Before the audio ends there are partials, each unlike the one before; after it exactly one final."""
    async with PocketSphinx() as stt:
        transcripts = await hear(stt, await say("tell me about interruption"))
    *partials, final = transcripts
    assert final == Transcript("tell me about interruption", is_final=True)
    assert len(partials) >= 2
    assert not any(partial.is_final for partial in partials)
    assert all(one.text != other.text for one, other in pairwise(partials))


@pytest.mark.parametrize("pcm", [b"", QUIET * 2])
async def test_silence_is_an_empty_final(pcm: bytes) -> None:
    """Where there is nothing to understand there is one final without text."""
    async with PocketSphinx() as stt:
        assert await hear(stt, pcm) == [Transcript("", is_final=True)]


async def test_a_finished_utterance_leaves_its_process_for_the_next() -> None:
    """Two utterances one after the other are heard by the same process, and the second as if it were the first."""
    async with PocketSphinx() as stt:
        pid = only_child()
        spoken = await say("what is the weather today")
        assert await hear(stt, spoken) == await hear(stt, spoken)
        assert only_child() == pid


async def test_cancellation_kills_the_process() -> None:
    """When the scope has exited the process is gone and reaped, soon; another one then hears the next utterance."""
    async with PocketSphinx(max_workers=1, wait_s=10) as stt, trio.open_nursery() as nursery:
        pid = only_child()
        utterance = Utterance(stt)
        nursery.start_soon(utterance.run)
        await utterance.speak(QUIET)
        began = trio.current_time()
        utterance.scope.cancel()
        await utterance.stopped.wait()
        assert not exists(pid)
        assert trio.current_time() - began < 0.5  # 3 ms as measured; generous for a loaded machine
        assert await hear(stt, QUIET) == [Transcript("", is_final=True)]


async def test_twenty_cancellations_leave_nothing() -> None:
    """After twenty killed utterances there is the one warm process and not a file descriptor more; on leaving, none."""
    assert children() == set()
    await trio.to_thread.run_sync(int)  # trio's thread, and whatever it keeps open, are not what is counted
    outside = open_files()
    async with PocketSphinx(max_workers=1, wait_s=10) as stt:
        inside = open_files()
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                utterance = Utterance(stt)
                nursery.start_soon(utterance.run)
                await utterance.speak()
                utterance.scope.cancel()
                await utterance.stopped.wait()
        await hear(stt, QUIET)
        assert len(children()) == 1
        assert open_files() == inside
    assert children() == set()
    assert open_files() == outside


async def test_a_cancellation_while_waiting_costs_no_process() -> None:
    """An utterance that waits for a process leaves at once, and the one that has it goes on."""
    async with PocketSphinx(max_workers=1, wait_s=60) as stt, trio.open_nursery() as nursery:
        pid = only_child()
        speaking, waiting = Utterance(stt), Utterance(stt)
        nursery.start_soon(speaking.run)
        await speaking.speak()
        nursery.start_soon(waiting.run)
        await waiting.begin()
        await trio.testing.wait_all_tasks_blocked(0.01)
        waiting.scope.cancel()
        await waiting.stopped.wait()
        assert only_child() == pid
        await speaking.end()
        assert speaking.error is None


async def test_all_busy_is_an_error_after_a_while() -> None:
    """With `max_workers` speaking, one more is refused after `wait_s` as the provider's fault that may pass."""
    async with PocketSphinx(max_workers=1, wait_s=0.05) as stt, trio.open_nursery() as nursery:
        speaking = Utterance(stt)
        nursery.start_soon(speaking.run)
        await speaking.speak()
        refused = Utterance(stt)
        nursery.start_soon(refused.run)
        await refused.begin()
        await refused.stopped.wait()
        assert "every recogniser is busy; try again later (all 1 pocketsphinx processes for" in str(refused.error)
        assert refused.error is not None
        assert refused.error.retryable
        await speaking.end()


async def test_processes_are_added_up_to_the_limit() -> None:
    """Three who speak at once get a process each, and a fourth does not."""
    async with PocketSphinx(max_workers=3, wait_s=10) as stt, trio.open_nursery() as nursery:
        speaking = [Utterance(stt) for _ in range(3)]
        for utterance in speaking:
            nursery.start_soon(utterance.run)
        for utterance in speaking:
            await utterance.speak()
        assert len(children()) == 3
        fourth = Utterance(stt)
        nursery.start_soon(fourth.run)
        await speaking[0].end()
        await fourth.speak()
        assert len(children()) == 3
        for utterance in (*speaking[1:], fourth):
            await utterance.end()


async def test_an_interrupted_process_is_replaced_not_added() -> None:
    """A request right behind an interruption waits for the replacement and does not make the pool grow."""
    async with PocketSphinx(max_workers=4, wait_s=10) as stt, trio.open_nursery() as nursery:
        for _ in range(5):
            utterance = Utterance(stt)
            nursery.start_soon(utterance.run)
            await utterance.speak()
            utterance.scope.cancel()
            await utterance.stopped.wait()
        await hear(stt, QUIET)
        assert len(children()) == 1


async def test_a_crash_in_mid_utterance_is_the_providers_fault() -> None:
    """A process that dies while it is spoken to is an UpstreamError, and the next utterance gets another."""
    async with PocketSphinx(wait_s=10) as stt, trio.open_nursery() as nursery:
        utterance = Utterance(stt)
        nursery.start_soon(utterance.run)
        await utterance.speak()
        os.kill(only_child(), signal.SIGKILL)
        await utterance.end()
        assert isinstance(utterance.error, UpstreamError)
        assert "died" in str(utterance.error)
        assert await hear(stt, QUIET) == [Transcript("", is_final=True)]


async def test_a_crash_in_idleness_is_not_noticed() -> None:
    """A process that dies unused is reaped and replaced, and the next utterance never meets it."""
    async with PocketSphinx(max_workers=1, wait_s=10) as stt:
        pid = only_child()
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not exists(pid))
        assert await hear(stt, QUIET) == [Transcript("", is_final=True)]


async def test_the_processes_die_with_their_parent() -> None:
    """When the server is killed its recognisers end by themselves."""
    program = (
        "import trio; from voxint.providers.pocketsphinx import PocketSphinx\n"
        "async def main():\n"
        "    async with PocketSphinx(): print(flush=True); await trio.sleep_forever()\n"
        "trio.run(main)"
    )
    command = [sys.executable, "-c", program]
    async with trio.open_nursery() as nursery:
        parent = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, env=ENVIRONMENT)
        assert parent.stdout is not None
        with trio.fail_after(20):
            await parent.stdout.receive_some()
        (pid,) = every_child(str(parent.pid))
        parent.kill()
        await parent.wait()
        await parent.stdout.aclose()
        nursery.start_soon(until, lambda: not exists(pid))


async def test_a_bad_grammar_is_the_operators_fault(tmp_path: Path) -> None:
    """A grammar that does not parse, or has a word without a pronunciation, is a ConfigError on entering."""
    for body in ("public <a> = xyzzyq;", "public <a> = (hello;"):
        grammar = tmp_path / "bad.gram"
        grammar.write_text(f"#JSGF V1.0;\ngrammar bad;\n{body}\n")
        with pytest.raises(ConfigError, match=r"pocketsphinx: the grammar can't be used .*: write JSGF"):
            async with PocketSphinx(grammar=str(grammar)):
                raise AssertionError("entered")
    assert children() == set()


async def test_a_missing_extra_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the process can't import pocketsphinx the ConfigError says what to install."""
    (tmp_path / "pocketsphinx.py").write_text("raise ImportError")
    monkeypatch.delitem(sys.modules, "pocketsphinx", raising=False)  # another test may have loaded the real one
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=r"extra `speech` are not installed: pip install .*speech]"):
        await PocketSphinx().check()


async def test_it_must_be_entered_and_only_once() -> None:
    """Used before entering, or entered twice, it says so."""
    stt = PocketSphinx()
    with pytest.raises(RuntimeError, match="async with PocketSphinx"):
        await stt.transcribe(trio.open_memory_channel[bytes](0)[1], trio.open_memory_channel[Transcript](0)[0])
    async with stt:
        with pytest.raises(RuntimeError, match="was entered before"):
            await stt.__aenter__()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("grammar", "nowhere.gram"),
        ("grammar", 3),
        ("workers", 0),
        ("workers", True),
        ("max_workers", "many"),
        ("max_workers", 0),
        ("wait_s", -1),
        ("wait_s", float("nan")),
        ("wait_s", "long"),
    ],
)
def test_a_bad_option_is_named(option: str, value: object) -> None:
    """A bad value is a ConfigError that names its option."""
    with pytest.raises(ConfigError, match=f"pocketsphinx option {option}"):
        PocketSphinx(**{option: value})  # type: ignore[arg-type]  # values as TOML may hold them


async def test_check_works_entered_and_not() -> None:
    """`check` asks a process of the pool, or one started for it; nothing is left."""
    stt = PocketSphinx()
    assert "answered" in await stt.check()
    assert children() == set()
    async with stt:
        assert "answered" in await stt.check()
