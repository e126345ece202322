"""The how-to for web pages and the README: what of their JavaScript needs no screen runs in Node, on a real server.

The rest of it runs in Chromium: `tests/browser/test_howto.py`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.docs.browser_page import EMBED, KINDS, LOCAL, PAGE, files, pieces
from tests.docs.javascript import CLIENT
from tests.docs.pages import ROOT, blocks
from tests.web.nodes import needs_node, node
from voxint.core.agent import Agent
from voxint.server.config import ServerConfig
from voxint.server.refused_page import FOREIGN, NO_SUCH_PATH
from voxint.server.serve import Server, serve
from voxint.testing.stages import FOREVER, HEAR, SPEAK, ScriptedEars, ScriptedModel, ScriptedVoice

README = ROOT / "README.md"

SECONDS = 60.0
"""For one program; a busy machine starts Node slowly."""

INDEX = CLIENT / "index.js"

ABOVE = """
const show = (text) => process.stdout.write(text);
const microphone = (async function* () { for (let n = 0; n < 50; n += 1) yield new Int16Array(320); })();
"""
"""What a reader has around the pieces of code: a page that shows text, and a microphone."""

BETWEEN = {
    "text": "console.log(' |', text);",
    "upload": "console.log((await voice.promise).text, '|');",
    "interrupt": "console.log(ack.status, Object.values(ack.receipts)[0].reason, service.counts.stale), client.close()",
}
"""What the tests put behind a piece, to see what became of it."""

ANSWER = "A keeper lived here with his family."


async def run(program: Path, *arguments: str) -> str:
    """Run a program of Node's, and return what it prints."""
    with trio.fail_after(SECONDS):
        done = await trio.run_process(
            [*node(), program.name, *arguments],
            cwd=program.parent,
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@asynccontextmanager
async def serving(*keys: str) -> AsyncIterator[Server]:
    """Serve an agent that answers twice, and then without end."""
    answers = [ScriptedModel(f"{ANSWER} "), ScriptedModel(f"{ANSWER} "), ScriptedModel(f"{ANSWER} ", FOREVER)]
    agent = Agent(
        llm=ScriptedModel.turns(*answers),
        tts=ScriptedVoice(SPEAK, seconds_per_char=1 / 64),
        stt=ScriptedEars(HEAR, "who lived here"),
    )
    async with trio.open_nursery() as nursery:
        server: Server = await nursery.start(serve, agent, ServerConfig(port=0, drain_s=0, api_keys=keys))
        yield server
        server.shut_down()


def of(code: str, server: Server) -> str:
    """Return a reader's code with the client by its path, as Node needs it, and this server's address."""
    here = code.replace(f'"{LOCAL}/web/client/index.js"', f'"{INDEX.as_uri()}"')
    return here.replace("//127.0.0.1:8765/", f"//127.0.0.1:{server.port}/")


@needs_node
@pytest.mark.parametrize("page", [PAGE, README], ids=lambda page: page.name)
async def test_text_upload_and_interruption_take_three_lines_each(page: Path, tmp_path: Path) -> None:
    """Each of them does what the page says, one behind the other on one connection."""
    code = pieces(page, "client")
    assert [*code] == ["connect", "text", "upload", "interrupt"]
    for name in BETWEEN:
        assert code[name].count("\n") == 3, name
    program = tmp_path / "pieces.mjs"
    async with serving() as server:
        together = "".join(piece + BETWEEN.get(name, "") + "\n" for name, piece in code.items())
        program.write_text(of(ABOVE + together, server))
        printed = await run(program)
    assert [line.strip() for line in printed.splitlines()] == [
        f"{ANSWER}  | {ANSWER}",
        f"{ANSWER}  |",
        "SUCCESS USER_STOP 0",
    ]


@needs_node
async def test_the_program_for_node_asks_hears_and_interrupts(tmp_path: Path) -> None:
    """Its receipt has what it said was heard."""
    program = tmp_path / "try.mjs"
    program.write_text(files(PAGE)["try.mjs"])
    async with serving() as server:
        printed = await run(program, str(INDEX), server.url)
    assert re.fullmatch(r"USER_STOP: 40 ms heard of [1-9]\d* ms\n", printed), printed


ITS_OWN_SITE = """
import { WebSocketClient } from "http://127.0.0.1:8765/web/client/index.js";
const toServer = globalThis.fetch;
globalThis.fetch = async (place, { method }) => {
  if (place !== "/voice-token") throw new Error(place);
  const headers = { authorization: "Bearer the site's own", "content-type": "application/json" };
  const body = JSON.stringify({ expires_in: 60, one_session: true });
  return toServer("http://127.0.0.1:8765/v1/tokens", { method, headers, body });
};
"""
"""A page's own web server: it passes on what it is answered, as the one of the how-to does."""


@needs_node
async def test_a_page_registers_with_a_token_of_its_own_site(tmp_path: Path) -> None:
    """The function is asked, and what it gives opens a session."""
    program = tmp_path / "token.mjs"
    behind = "await client.connect(); console.log(client.state); await client.close();"
    async with serving("the site's own") as server:
        program.write_text(of(ITS_OWN_SITE + pieces(PAGE, "token")["auth"] + behind, server))
        assert await run(program) == "open\n"


def closes() -> dict[str, set[str]]:
    """Return the errors by the close codes, as the how-to's table has them."""
    rows = re.findall(r"^\| (\d{4})[^|]*\| ([^|]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {code: set(re.findall(r"`(\w+)`", errors)) for code, errors in rows}


def test_every_close_code_is_in_the_table() -> None:
    """What the reference lists, but for those of a client that breaks WebSocket itself, which no browser does."""
    wire = (ROOT / "docs" / "reference" / "wire.md").read_text(encoding="utf-8").partition("## Close codes")[2]
    known = set(re.findall(r"^\| (\d{4}) \|", wire, re.MULTILINE)) - {"1002", "1007"}
    assert closes().keys() - {"1006"} == known
    assert {str(FOREIGN), str(NO_SUCH_PATH)} <= known


def test_the_table_has_the_errors_that_the_client_makes_of_a_close() -> None:
    """The client's own table says the same; 1008 before REGISTER_ACK is about REGISTER itself."""
    source = (CLIENT / "errors.js").read_text(encoding="utf-8")
    made = {code: {error} for code, error in re.findall(r'^  (\d{4}): \["(\w+)"', source, re.MULTILINE)}
    assert closes() == {**made, "1008": {"lost", "malformed"}, "1006": {"lost", "unreachable"}}


@pytest.mark.parametrize("page", [PAGE, README, EMBED], ids=lambda page: page.name)
def test_no_code_of_the_pages_is_left_unrun(page: Path) -> None:
    """Each piece has a mark by which a test finds it; a frame and a policy have their own in the page for sites."""
    code = [block for block in blocks(page) if block.language in ("js", "html")]
    unmarked = [block.code for block in code if not block.marker.startswith(KINDS) and block.marker != "frame"]
    assert unmarked == []
    assert code
