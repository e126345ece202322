"""`voxint bench` as a process, against a server of this process."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.cli.process import Done, run_cli
from tests.docs.pages import ROOT
from tests.measure.peers import Fake
from tests.measure.peers import serving as serving_fake
from tests.testing.simulated import simulated
from voxint import __version__
from voxint.core.agent import Agent
from voxint.measure.distribution import Distribution
from voxint.protocol import messages as m
from voxint.providers.openai_chat import OpenAIChat
from voxint.server.config import ServerConfig
from voxint.server.serve import serve
from voxint.testing.upstream_stages import HttpSpeech

SHORT = ("--sessions", "2", "--seconds", "1.5", "--warmup", "0.5")

NO_EXTRA = """
import importlib.util

found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in ("rich", "hdrh") else found(name, package)
"""
"""A sitecustomize.py: Python imports it at its start."""


@asynccontextmanager
async def deployment(*, speaks: bool = True, api_keys: tuple[str, ...] = ()) -> AsyncGenerator[str]:
    """Serve a real server over the simulated upstream while the block runs, and yield its url."""
    async with simulated(first_token_s=0.02, token_interval_s=0.01, chunk_interval_s=0.01) as upstream:
        agent = Agent(
            llm=OpenAIChat(upstream.sim.base_url, "sim", http=upstream.http),
            tts=HttpSpeech(upstream.http, upstream.sim.base_url) if speaks else None,
        )
        async with trio.open_nursery() as nursery:
            server = await nursery.start(serve, agent, ServerConfig(port=0, api_keys=api_keys, drain_s=0))
            yield server.url
            nursery.cancel_scope.cancel()


async def bench(url: str, *arguments: str, folder: Path) -> Done:
    """Measure for a short time."""
    return await run_cli("bench", url, *SHORT, *arguments, cwd=folder)


async def test_a_deployment_is_measured_from_outside(tmp_path: Path) -> None:
    """A table of figures and a verdict on standard output, how it goes on the other; success."""
    async with deployment() as url:
        done = await bench(url, folder=tmp_path)
    assert done.code == 0, done.err
    assert "2 sessions, " in done.out
    for figure in ("round_trip_ms", "ack_ms", "× round trip", "stale_audio_ms", "next_audio_ms", "audio_late_ms"):
        assert figure in done.out
    assert done.out.splitlines()[-1].startswith("promises kept: ")
    assert "first audio after 0." in done.err
    assert " questions in 2 s" in done.err
    assert "Traceback" not in done.err


async def test_machines_read_json(tmp_path: Path) -> None:
    """Every figure with its histogram and how far chance moves it; the key is nowhere."""
    async with deployment(api_keys=("k-1",)) as url:
        done = await bench(f"{url}?k=k-1", "--api-key", "k-1", "--json", "b.json", "--text-only", folder=tmp_path)
    assert done.code == 0, done.err
    text = (tmp_path / "b.json").read_text()
    read = json.loads(text)
    assert "k-1" not in text + done.out + done.err
    assert (read["url"], read["kept"], read["versions"]["voxint"]) == (url, True, __version__)
    assert read["pace"]["speaks"] is False
    [load] = read["loads"]
    assert load["sessions"] == 2
    assert load["totals"]["unanswered"] == load["totals"]["leak_after_ack"] == 0
    assert load["figures"]["first_audio_ms"] == {"count": 0}
    ack = load["figures"]["ack_ms"]
    whole = Distribution.decode(ack["histogram"])
    assert whole.count == ack["count"] == load["totals"]["interrupts"]
    assert whole.percentile(50) == pytest.approx(ack["p50"]["value"])
    assert ack["p50"]["low"] <= ack["p50"]["value"] <= ack["p50"]["high"] <= ack["max"]


async def test_a_server_without_speech_is_measured_by_its_words(tmp_path: Path) -> None:
    """It is found out; nothing of audio stands in the table."""
    async with deployment(speaks=False) as url:
        done = await bench(url, "--question", "Hello", folder=tmp_path)
    assert done.code == 0, done.err
    assert "text only" in done.err
    assert "_text_ms" in done.out  # the first, or the next; a run so short may miss one of them
    assert "next_audio_ms" not in done.out


async def test_a_broken_promise_is_a_failure(tmp_path: Path) -> None:
    """A frame that comes after its acknowledgement, however fast that was."""
    leak = Fake(after_ack=lambda turn: [m.Response(f"req_{turn}", text_stream_seq=9, text="late")])
    async with serving_fake(leak) as url:
        done = await bench(url, folder=tmp_path)
    assert done.code == 1
    assert "promises broken: " in done.out
    assert "came after the acknowledgement (2 sessions)" in done.out


async def test_turns_that_fail_are_told(tmp_path: Path) -> None:
    """With the reason that most had; they break no promise."""
    async with serving_fake(Fake(fails=5)) as url:  # the four that tell the pace are answered
        done = await bench(url, folder=tmp_path)
    assert done.code == 0
    assert " turns failed: UPSTREAM_ERROR: no" in done.err
    assert " turns failed" in done.out.splitlines()[-1]


async def test_a_key_that_is_not_known_is_a_hint(tmp_path: Path) -> None:
    """As `say` gives it."""
    async with deployment(api_keys=("k-1",)) as url:
        done = await bench(url, folder=tmp_path)
    assert done.code == 2
    assert done.err.splitlines()[-1] == (
        "voxint: --api-key: the server wants a key: give it by --api-key, or VOXINT_API_KEY; "
        "or --account and --password"
    )


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (("http://127.0.0.1:1",), 2, "write ws://HOST:PORT/ws/agent/stream"),
    (("ws://user:secret@127.0.0.1:1/ws",), 1, "voxint: ws://127.0.0.1:1/ws: nothing listens at this address"),
    (("--json", "nowhere/b.json"), 2, "--json: nowhere/b.json can't be written (No such file or directory): name"),
    (("--sessions", "0"), 2, "0 is not in the range"),
])  # fmt: skip
async def test_an_error_is_a_line_without_a_traceback(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """It says what to do."""
    done = await run_cli("bench", *arguments, cwd=tmp_path)
    assert done.code == code
    assert words in done.err
    assert "secret" not in done.err
    assert "Traceback" not in done.err


async def test_a_web_server_is_no_voxint(tmp_path: Path) -> None:
    """The right machine, the wrong path."""
    async with deployment() as url:
        done = await run_cli("bench", url.replace("/ws/agent/stream", "/elsewhere"), cwd=tmp_path)
    assert done.code == 1
    assert "refused the WebSocket (HTTP status 404)" in done.err


async def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    """In one line, and before anything is asked."""
    (tmp_path / "sitecustomize.py").write_text(NO_EXTRA)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"ws://127.0.0.1:{nobody.getsockname()[1]}/"
        done = await run_cli("bench", url, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert done.code == 2
    assert done.err == f"voxint: bench: it needs rich, hdrhistogram, not installed here: pip install '{ROOT}[bench]'\n"


async def test_help_says_that_it_costs(tmp_path: Path) -> None:
    """Before anybody points it at a model that is paid by the word."""
    done = await run_cli("bench", "--help", cwd=tmp_path)
    assert "COST MONEY" in done.out
    assert "150 to 350 questions" in " ".join(done.out.split())
