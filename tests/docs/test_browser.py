"""The page of the how-to for browsers: what of it needs no screen runs in Node, against a real server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path

import pytest
import trio

from tests.docs.pages import ROOT, blocks
from voxint.core.agent import Agent
from voxint.server.config import ServerConfig
from voxint.server.refused_page import FOREIGN, NO_SUCH_PATH
from voxint.server.serve import Server, serve
from voxint.testing.stages import FOREVER, HEAR, SPEAK, ScriptedEars, ScriptedModel, ScriptedVoice

PAGE = ROOT / "docs" / "howto" / "browser.md"

OLDEST = (20, 10)
"""Node's first version with a WebSocket of its own, behind a flag."""

SECONDS = 30.0
"""For one program; a busy machine starts Node slowly."""

LISTENING = re.compile(r"http://localhost:(\d+)/")


def files() -> Mapping[str, str]:
    """Return the files that the page consists of, by name."""
    marked = [block for block in blocks(PAGE) if block.marker.startswith("file: ")]
    return {block.marker.removeprefix("file: "): block.code for block in marked}


@cache
def node() -> tuple[str, ...]:
    """Return how Node is started with a WebSocket; nothing where there is none that has one."""
    program = shutil.which("node")
    if program is None:
        return ()
    told = subprocess.run((program, "--version"), capture_output=True, text=True, timeout=SECONDS).stdout
    found = re.match(r"v(\d+)\.(\d+)", told)
    if found is None or (version := (int(found[1]), int(found[2]))) < OLDEST:
        return ()
    return (program, "--experimental-websocket") if version < (22, 0) else (program,)


needs_node = pytest.mark.skipif(not node(), reason=f"needs Node {OLDEST[0]}.{OLDEST[1]} or later")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the page, in a folder of their own."""
    for name, code in files().items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    return tmp_path


async def run(folder: Path, *arguments: str) -> str:
    """Run a program of Node's, and return what it prints."""
    with trio.fail_after(SECONDS):
        done = await trio.run_process(
            [*node(), "--no-warnings", *arguments], cwd=folder, capture_stdout=True, capture_stderr=True, check=False
        )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@asynccontextmanager
async def serving(config: ServerConfig) -> AsyncIterator[Server]:
    """Serve an agent that hears, and speaks without end."""
    agent = Agent(
        llm=ScriptedModel("A keeper lived here with his family. ", FOREVER),
        tts=ScriptedVoice(SPEAK),
        stt=ScriptedEars(HEAR, "who lived here"),
    )
    async with trio.open_nursery() as nursery:
        server: Server = await nursery.start(serve, agent, config)
        yield server
        server.shut_down()


@needs_node
async def test_the_client_asks_hears_and_interrupts(folder: Path) -> None:
    """The text and the speech come, and the receipt of the interruption has what the page said was heard."""
    async with serving(ServerConfig(port=0, drain_s=0)) as server:
        printed = await run(folder, "try.mjs", server.url)
    assert re.fullmatch(r"A keeper lived here .*\nUSER_STOP: 40 ms heard of [1-9]\d* ms\n", printed), printed


REFUSED = """
import { connect } from "./voxint.mjs";
const [url, origin] = process.argv.slice(2);
const Plain = globalThis.WebSocket;
globalThis.WebSocket = class extends Plain { constructor(url) { super(url, { headers: { origin } }); } };
await connect(url, "any").catch((error) => console.log(error.message));
"""


@needs_node
async def test_a_page_that_may_not_connect_reads_why(folder: Path) -> None:
    """By the codes that the how-to's table has: as a page from disk, of elsewhere, and at a wrong path."""
    (folder / "refused.mjs").write_text(REFUSED)
    async with serving(ServerConfig(port=0, drain_s=0)) as server:
        told = [
            await run(folder, "refused.mjs", url, origin)
            for url, origin in (
                (server.url, "null"),
                (server.url, "https://kiosk.example"),
                (server.url.replace("/agent/stream", ""), "http://localhost:3000"),
            )
        ]
    assert told == [
        "closed with 4403: origin null (a page from disk?) may not connect: "
        "serve it at http://localhost, or set api_keys\n",
        "closed with 4403: origin https://kiosk.example may not connect: set allowed_origins, or api_keys\n",
        "closed with 4404: there is no WebSocket at /ws: it is at /ws/agent/stream\n",
    ]


TALK = """
import { connect } from "./voxint.mjs";
const { url, key } = await (await fetch(`${process.argv[2]}token`, { method: "POST" })).json();
let understood;
const heard = new Promise((resolve) => (understood = resolve));
const session = await connect(url, key, { on: { heard: (id, text, final) => final && understood(text) } });
const request_id = session.talk();
for (let n = 0; n < 50; n++) session.pcm(new Int16Array(320));
session.talked(request_id);
console.log(await heard);
await session.interrupt(request_id, 0);
await connect(url, key).catch((error) => console.log(error.message));
session.close();
"""


@needs_node
async def test_the_site_hands_out_tokens_and_the_page_talks_with_one(folder: Path) -> None:
    """The server's key stays with the site; a token is good once; every file of the page is served, and no other."""
    (folder / "talk.mjs").write_text(TALK)
    async with serving(ServerConfig(port=0, drain_s=0, api_keys=("the site's own",))) as server:
        environment = {
            **os.environ,
            "PORT": "0",
            "VOXINT": f"http://127.0.0.1:{server.port}",
            "VOXINT_KEY": "the site's own",
        }
        with trio.fail_after(SECONDS):
            async with trio.open_nursery() as nursery:
                site = await trio.lowlevel.open_process(
                    [*node(), "site.js"], cwd=folder, env=environment, stdout=subprocess.PIPE
                )
                try:
                    assert site.stdout is not None
                    found = LISTENING.search((await site.stdout.receive_some()).decode())
                    assert found is not None
                    printed = await run(folder, "talk.mjs", found[0])
                    served = await run(folder, "--input-type=module", "-e", VISIT, found[0])
                finally:
                    site.kill()
                    await site.wait()
                nursery.cancel_scope.cancel()
    refused = "the key, token or account is not known here, has expired, or may not talk: ask the operator"
    assert printed == f"who lived here\nclosed with 4401: {refused}\n"
    assert served.split() == ["200", *["200"] * (len(files()) - 2), "404", "404"]


ASK = """
console.log((await fetch(`${process.argv[1]}token`, { method: "POST" })).status);
"""


async def no_voxint(stream: trio.SocketStream) -> None:
    """Answer a request as some web server does that knows no tokens."""
    async with stream:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n<html>no such page</html>")


@needs_node
@pytest.mark.parametrize("answers", [True, False])
async def test_the_site_names_an_address_that_is_no_voxint_servers(folder: Path, answers: bool) -> None:
    """Where a page of somebody else's comes in place of a token, and where nobody answers."""
    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, no_voxint, port=0, host="127.0.0.1"))
        port = listener.socket.getsockname()[1] if answers else 9
        environment = {**os.environ, "PORT": "0", "VOXINT": f"http://127.0.0.1:{port}", "VOXINT_KEY": "persimmon"}
        with trio.fail_after(SECONDS):
            site = await trio.lowlevel.open_process(
                [*node(), "site.js"], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            assert site.stdout is not None
            assert site.stderr is not None
            try:
                found = LISTENING.search((await site.stdout.receive_some()).decode())
                assert found is not None
                assert await run(folder, "--input-type=module", "-e", ASK, found[0]) == "502\n"
                told = (await site.stderr.receive_some()).decode()
            finally:
                site.kill()
                await site.wait()
        nursery.cancel_scope.cancel()
    what = "HTTP 404" if answers else "nobody answers"
    assert told == f"no token: {what}: is VOXINT=http://127.0.0.1:{port} the address of a voxint server?\n"


VISIT = """
const names = ["", "index.html", "page.mjs", "voxint.mjs", "player.mjs", "microphone.mjs", "pcm.mjs"];
for (const name of [...names, "site.js", "../etc/passwd"])
  console.log((await fetch(process.argv[1] + name)).status);
"""


PARTS = """
import { Player } from "./player.mjs";

const context = {
  currentTime: 1, outputLatency: 0.25, destination: "loudspeaker",
  createBuffer: (channels, length, rate) => ({
    duration: length / rate, getChannelData: () => new Float32Array(length),
  }),
  createBufferSource: () => ({
    connect() {}, start(at) { console.log(`start ${at}`); }, stop() { console.log("stop"); },
  }),
};
const player = new Player(context, 16000);
const half = new Int16Array(8000);
player.play("r1", half);
player.play("r1", half);
for (context.currentTime of [1.05, 1.55, 1.8, 2.4]) console.log(player.playedMs(), player.playing);
console.log(player.stop(), player.requestId, player.playing);
player.play("r1", half);
player.play("r2", half);
console.log(player.requestId, player.playedMs());

let made;
const frames = [];
globalThis.sampleRate = 16000;
globalThis.AudioWorkletProcessor = class { port = { postMessage: (frame) => frames.push(frame) }; };
globalThis.registerProcessor = (name, Pcm) => (made = new Pcm());
await import("./pcm.mjs");
made.process([[]]);
for (const loud of [0.5, 2, -2]) made.process([[new Float32Array(128).fill(loud)]]);
for (const frame of frames) console.log(frame.constructor.name, frame.length, frame[0], frame[200], frame[319]);
"""


@needs_node
async def test_the_player_knows_what_was_heard_and_the_worklet_makes_frames(folder: Path) -> None:
    """Less what is on its way to the loudspeaker, and no more of what was stopped; 320 integers at 16,000 Hz."""
    (folder / "parts.mjs").write_text(PARTS)
    assert (await run(folder, "parts.mjs")).splitlines() == [
        "start 1.05",
        "start 1.55",
        "0 true",
        "250 true",
        "500 true",
        "1000 false",
        "stop",
        "stop",
        "1000 null false",
        "start 2.4499999999999997",
        "r2 0",
        "Int16Array 320 16384 32767 -32768",
    ]


def test_every_close_code_is_in_the_table() -> None:
    """What the reference lists, but for those of a client that breaks WebSocket itself, which no browser does."""
    wire = (ROOT / "docs" / "reference" / "wire.md").read_text(encoding="utf-8").partition("## Close codes")[2]
    known = set(re.findall(r"^\| (\d{4}) \|", wire, re.MULTILINE)) - {"1002", "1007"}
    told = set(re.findall(r"^\| (\d{4})", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) - {"1006"}
    assert told == known
    assert {str(FOREIGN), str(NO_SUCH_PATH)} <= known


def test_every_program_of_the_page_is_a_file() -> None:
    """No JavaScript of the how-to is left unrun, and the site serves all that the page asks for."""
    markers = [block.marker for block in blocks(PAGE) if block.language in ("js", "html")]
    assert all(marker.startswith("file: ") for marker in markers), markers
    [listed] = re.findall(r"^const FILES = \[(.*)\];$", files()["site.js"], re.MULTILINE)
    assert set(re.findall(r'"([^"]+)"', listed)) == files().keys() - {"site.js", "try.mjs"}
