"""The player and the recorder in a real browser: what they play and hear, by the worklets' own sample clock."""

from __future__ import annotations

import wave
from array import array
from collections.abc import Iterator
from itertools import pairwise
from math import pi, sin
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright

from tests.browser.rig.browser import launched, opened
from tests.browser.rig.site import Site
from tests.needs import needs_chromium

RAW = "{echoCancellation: false, noiseSuppression: false, autoGainControl: false}"
BURST_S = 3.0
"""Into the recording that the microphone plays, where it becomes loud."""

WAIT = """
const until = async (told, test, what) => {
  for (let tries = 0; tries < 500; tries += 1) {
    const found = told.find(test);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what} never came: ${JSON.stringify(told.filter(({ type }) => type !== "audio").slice(-9))}`);
};
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
"""

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of a quiet room in which somebody hums from `BURST_S` on."""
    rate = 48_000
    path = tmp_path_factory.mktemp("microphone") / "hum.wav"
    hum = [sin(2 * pi * hz * n / rate) for hz in (220,) for n in range(rate * 3)]
    samples = array("h", [(n * 7919 % 13) - 6 for n in range(int(rate * BURST_S))] + [round(9000 * x) for x in hum])
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return path


@pytest.fixture(scope="module")
def browser(playwright: Playwright, microphone: Path) -> Iterator[Browser]:
    """A browser whose microphone plays that recording, from its beginning each time that it is opened."""
    with launched(playwright, microphone) as found:
        yield found


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """The page."""
    with opened(browser) as tab:
        tab.page.goto(f"{site.origin}/worklets.html")
        tab.until("() => globalThis.rig !== undefined")
        yield tab.page
        assert tab.wrong == []


def run(page: Page, script: str) -> Any:
    """Run the body of a function in the page, and return what it returns."""
    return page.evaluate(f"async () => {{ {WAIT} {script} }}")


@pytest.mark.parametrize("rate", [48_000, 44_100, 16_000])
def test_an_answer_is_played_to_its_end(page: Page, rate: int) -> None:
    """Whatever the context's rate: all of it is told as played, every 200 ms, and it drains."""
    told = run(
        page,
        f"""
        const {{ player, told }} = await rig.open({rate});
        player.begin("a");
        for (let n = 0; n < 10; n += 1) player.put("a", rig.tone(0.1, 440));
        player.end("a");
        await until(told, ({{ type }}) => type === "drained", "drained");
        return {{ told, ms: player.playedMs("a"), stats: player.stats }};
        """,
    )
    played = [each["playedMs"] for each in told["told"] if each["type"] == "played"]
    assert len(played) >= 4
    assert played == sorted(played)
    assert played[-1] == pytest.approx(1000, abs=0.1)
    assert told["ms"] == pytest.approx(1000, abs=0.1)
    assert told["stats"]["underruns"] == 0


def test_a_pause_falls_silent_within_a_fade_and_loses_nothing(page: Page) -> None:
    """By the sample clock: silent 10 ms behind the quantum in which it was told; all is played in the end."""
    result = run(
        page,
        """
        const { context, player, told } = await rig.open(48000);
        player.begin("a");
        player.put("a", rig.tone(1.5, 440));
        player.end("a");
        await until(told, ({ type }) => type === "played", "played");
        player.pause();
        const silent = await until(told, ({ type }) => type === "silent", "silent");
        await wait(300);
        const held = player.playedMs("a");
        await wait(200);
        const still = player.playedMs("a");
        const lastLoud = player.stats.lastLoudFrame;
        player.resume();
        await until(told, ({ type }) => type === "drained", "drained");
        return { silent, held, still, lastLoud, end: player.playedMs("a") };
        """,
    )
    silent = result["silent"]
    assert silent["why"] == "pause"
    assert 0 < silent["frame"] - silent["atFrame"] <= 480 + 128
    assert silent["frame"] - 10 <= result["lastLoud"] + 1 <= silent["frame"]
    assert 0 < result["held"] == result["still"] < 1500
    assert result["end"] == pytest.approx(1500, abs=0.1)


def test_what_is_discarded_is_silent_at_once(page: Page) -> None:
    """Within a fade, and the next answer is played whole."""
    result = run(
        page,
        """
        const { context, player, told } = await rig.open(48000);
        player.begin("a");
        player.put("a", rig.tone(5, 440));
        await until(told, ({ type }) => type === "played", "played");
        const discarded = await player.discard("a");
        const late = player.put("a", rig.tone(1, 440));
        player.begin("b");
        player.put("b", rig.tone(0.3, 440));
        player.end("b");
        await until(told, ({ type }) => type === "drained", "drained");
        return { discarded, late, silent: told.find(({ type }) => type === "silent"), b: player.playedMs("b") };
        """,
    )
    assert result["silent"]["why"] == "discard"
    assert result["silent"]["frame"] == result["discarded"]["silentFrame"]
    assert 0 < result["silent"]["frame"] - result["silent"]["atFrame"] <= 480
    assert result["late"] is False
    assert 200 <= result["discarded"]["playedMs"] < 1500
    assert result["b"] == pytest.approx(300, abs=0.1)


def test_an_onset_silences_the_answer_without_the_page_between(page: Page) -> None:
    """The recorder's worklet tells the player's: silent a fade and a quantum behind it; unconfirmed, it goes on."""
    result = run(
        page,
        f"""
        const {{ context, player, told }} = await rig.open(48000);
        player.begin("a");
        player.put("a", rig.tone(6, 440));
        const recorder = await rig.listen({RAW}, context, player, told);
        const onset = await until(told, ({{ type }}) => type === "onset", "onset");
        const silent = await until(told, ({{ type }}) => type === "silent", "silent");
        const unducked = await until(told, ({{ type }}) => type === "unducked", "unducked");
        recorder.close();
        const audio = told.filter(({{ type }}) => type === "audio").map(({{ frame, at, pcm }}) =>
          ({{ frame, at, size: pcm.length, peak: pcm.reduce((a, b) => Math.max(a, Math.abs(b)), 0) }}));
        const levels = told.filter(({{ type }}) => type === "level");
        return {{ onset, silent, unducked, audio, levels, sent: recorder.sentFrames, at: recorder.frameAt(onset.atMs),
          latency: [context.baseLatency, context.outputLatency] }};
        """,
    )
    audio = result["audio"]
    loud = next(each for each in audio if each["peak"] > 3000)
    assert result["silent"]["why"] == "hint"
    assert result["silent"]["frame"] - result["onset"]["frame"] <= 480 + 128
    assert result["silent"]["frame"] - loud["frame"] <= 60 * 48
    assert result["at"] == result["onset"]["frame"]
    assert result["unducked"]["why"] == "expired"
    assert [each["size"] for each in audio] == [320] * len(audio)
    assert [each["at"] for each in audio] == [320 * n for n in range(len(audio))]
    assert {b["frame"] - a["frame"] for a, b in pairwise(audio)} == {960}
    assert result["sent"] == 320 * len(audio)
    assert 0 < len(result["levels"]) <= len(audio) / 2.5


def test_a_muted_microphone_sends_silence(page: Page) -> None:
    """A server that listens wants a stream that goes on."""
    peaks = run(
        page,
        f"""
        const {{ context, player, told }} = await rig.open(48000);
        const recorder = await rig.listen({RAW}, context, player, told);
        recorder.muted = true;
        await until(told, ({{ type, at }}) => type === "audio" && at > 16000 * 4, "four seconds");
        return told.filter(({{ type, at }}) => type === "audio" && at > 16000).map(({{ pcm }}) => Math.max(...pcm));
        """,
    )
    assert len(peaks) > 140
    assert set(peaks) == {0}
