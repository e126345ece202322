"""The benchmark itself, as a user runs it: does it give every figure? What the figures are is not this test's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.closings import may_watch
from bench.environments import ROOT
from bench.report.summary import EARLY_MS
from bench.schema import Results, load
from voxint.measure.distribution import Distribution

FIGURES = {
    "ack_ms",
    "stale_audio_ms",
    "first_text_ms",
    "first_audio_ms",
    "next_text_ms",
    "next_audio_ms",
    "audio_late_ms",
    "llm_close_ms",
    "tts_close_ms",
    "closed_after_ack_ms",
    "wasted_tokens",
    "wasted_audio_ms",
    "heard_error_words",
}
TOTALS = {"interrupts", "unanswered", "leak_after_ack", "cpu_s", "cpu_s_per_speech_min", "rss_kib", "generator_lag_ms"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Run the quick benchmark with voxint, the floor and a peer that is not there."""
    folder = tmp_path_factory.mktemp("bench")
    options = ["--targets", "echo,voxint,pipecat", "--budget", "60", "--out", str(folder / "run")]
    environment = {"VOXINT_BENCH_HOME": str(folder / "nothing"), "PATH": "/usr/bin:/bin", "COLUMNS": "120"}
    done = subprocess.run(
        [sys.executable, "-m", "bench", "quick", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "run", done


@pytest.fixture(scope="module")
def results(run: tuple[Path, subprocess.CompletedProcess[str]]) -> Results:
    """Its result file."""
    return load(run[0] / "results.json")


def test_every_figure_is_there(results: Results) -> None:
    """Each slot of voxint under streaming holds every figure, and something was measured in it."""
    slots = [slot for slot in results.slots if slot.target == "voxint" and slot.scenario == "streaming"]
    assert slots
    assert {name for slot in slots for name in slot.figures} >= FIGURES
    for slot in slots:
        assert slot.totals.keys() >= TOTALS
        assert slot.totals["interrupts"] > 0


def test_no_promise_is_broken(results: Results) -> None:
    """Whatever the machine is busy with, nothing follows an acknowledgement.

    On one that is held up for seconds an answer may come too late for the recording, but not one in ten.
    """
    for slot in results.slots:
        assert slot.totals["leak_after_ack"] == 0
        assert slot.totals["unanswered"] <= slot.totals["interrupts"] / 10
        assert slot.totals["lost"] <= slot.sessions / 10


@pytest.mark.skipif(not may_watch(), reason="packets may not be seen here")
def test_no_connection_ends_behind_the_acknowledgement(results: Results) -> None:
    """The kernel stamps them all, and voxint has closed what it had open before it says so."""
    slots = [slot for slot in results.slots if slot.target == "voxint"]
    assert {slot.totals["unstamped"] for slot in slots} == {0.0}
    latest = [Distribution.decode(slot.figures["closed_after_ack_ms"]).maximum for slot in slots]
    assert max(latest) <= EARLY_MS


def test_the_floor_and_one_traced_interrupt_are_there(results: Results) -> None:
    """The ratio to the floor and the waterfall can be drawn."""
    assert any("echo_ms" in slot.figures for slot in results.slots if slot.target == "echo")
    waterfalls = [slot.waterfall for slot in results.slots if slot.target == "voxint" and slot.waterfall is not None]
    assert waterfalls
    assert None not in (waterfalls[0].cancelled, waterfalls[0].llm_closed, waterfalls[0].acknowledged)


def test_an_absent_target_is_told(results: Results, run: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """A peer that is not installed is named with the command that installs it, on the screen too."""
    assert "python -m bench install pipecat" in results.targets["pipecat"].absent
    assert not [slot for slot in results.slots if slot.target == "pipecat"]
    assert "install pipecat" in run[1].stdout


def test_machine_versions_and_report_are_there(
    results: Results, run: tuple[Path, subprocess.CompletedProcess[str]]
) -> None:
    """A figure without its machine and versions is none; the page stands beside the JSON."""
    assert results.machine.cores >= 1
    assert {"python", "trio", "httpx"} <= results.targets["voxint"].versions.keys()
    assert (run[0] / "report.html").read_text().startswith("<!doctype html>")
