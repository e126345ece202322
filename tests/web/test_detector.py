"""The browser client's voice detector: that it is what its source says, and how good it is, against Silero."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np

import bench.detector
from bench.bargein.noises import NOISES
from bench.detector.hearing import DETECTOR, WINDOW, Floats, hear, ints, silero
from bench.detector.sounds import KINDS, alone, read, recordings
from bench.recordings import LIBRIVOX, PROMPTS
from tests.needs import missing, needs, needs_silero, skip_for
from tests.web.nodes import lacking_tools, needs_node, node_tools

SOURCE = Path(bench.detector.__file__).with_name("detector.ts")
RATE = 16_000
LARGEST = 8_000
"""Bytes of the detector: ours, so that it is there before the person has read the first line."""

CUT = """
const { UtteranceCutter } = await import(process.argv[1]);
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const streams = JSON.parse(Buffer.concat(chunks).toString());
console.log(JSON.stringify(streams.map((stream) => {
  const cutter = new UtteranceCutter();
  return [...stream.flatMap((each) => cutter.heard(each)), ...cutter.ended()];
})));
"""

needs_recordings = needs(
    missing(files=[LIBRIVOX, PROMPTS], debian="pocketsphinx-testdata, asterisk-core-sounds-en-wav")
)


def cut(told: list[Floats]) -> list[list[tuple[str, int]]]:
    """Return the utterances that the client makes of what a detector says."""
    utterances = DETECTOR.parent / "utterances.js"
    streams = json.dumps([each.tolist() for each in told])
    arguments = ["node", "--input-type=module", "-e", CUT, str(utterances)]
    done = subprocess.run(arguments, input=streams, capture_output=True, text=True, check=True, timeout=60)
    return [[(event["type"], event["frame"]) for event in events] for events in json.loads(done.stdout)]


@needs_node
def test_it_is_what_its_source_says(tmp_path: Path) -> None:
    """Compiled anew it has the same bytes."""
    skip_for(lacking_tools("assemblyscript/bin/asc.js"))
    tools = node_tools()
    assert tools is not None
    compiler = tools / "assemblyscript/bin/asc.js"
    made = tmp_path / "detector.wasm"
    options = ["--runtime", "stub", "-O3", "--noAssert"]
    subprocess.run(["node", str(compiler), str(SOURCE), "-o", str(made), *options], check=True, timeout=120)
    assert made.read_bytes() == DETECTOR.read_bytes()


@needs_node
def test_it_asks_for_nothing_and_its_memory_does_not_grow() -> None:
    """It has no imports, and one page of memory after ten minutes of sound as before."""
    script = """
    const module = new WebAssembly.Module(require("fs").readFileSync(process.argv[1]));
    const { memory, heard } = new WebAssembly.Instance(module).exports;
    for (let n = 0; n < 18750; n += 1) heard();
    console.log(JSON.stringify([WebAssembly.Module.imports(module).length, memory.buffer.byteLength]));
    """
    arguments = ["node", "-e", script, str(DETECTOR)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == [0, 65_536]
    assert DETECTOR.stat().st_size < LARGEST


@needs_node
@needs_silero
@needs_recordings
async def test_it_finds_people_whom_it_was_not_taught_with() -> None:
    """Of the windows that Silero calls speech it finds 97 of 100; of those a quarter of a second off, 2 at most."""
    files = recordings()
    for name in ("read", "held"):
        sounds = [read(path) for path in files[name]]
        pcm = [ints(np.concatenate([np.zeros(RATE // 2), sound, np.zeros(RATE // 2)])) for sound in sounds]
        truths = await silero(pcm)
        told = np.concatenate([told for _, told in hear(pcm)])
        near = np.concatenate([np.convolve(truth >= 0.1, np.ones(17), "same") > 0 for truth in truths])
        assert np.mean(told[np.concatenate(truths) >= 0.5] >= 0.5) > 0.97, name
        assert np.mean(told[~near] >= 0.5) < 0.02, name


@needs_node
def test_it_takes_few_noises_for_a_voice() -> None:
    """Of a minute of each kind at most 1 window of 100; of chords and tones, which are periodic as voices are, 15."""
    chance = np.random.default_rng(23)
    for kind in KINDS:
        pcm = [ints(alone(chance, 20, kind).sound) for _ in range(3)]
        false = float(np.mean(np.concatenate([told for _, told in hear(pcm)]) >= 0.5))
        assert false < (0.15 if kind in ("music", "tones") else 0.01), kind


@needs_node
def test_a_second_of_silence_and_a_steady_noise_are_no_utterance() -> None:
    """Nor is digital silence, from which a noise begins."""
    chance = np.random.default_rng(29)
    steady = [np.zeros(RATE), 0.02 * chance.standard_normal(3 * RATE), 0.3 * np.sin(np.arange(3 * RATE) * 0.17)]
    starts = [np.concatenate([np.zeros(RATE), sound]) for sound in steady]
    events = cut([told for _, told in hear([ints(sound) for sound in steady + starts])])
    assert [kind for stream in events for kind, _ in stream if kind == "speech"] == []


@needs_node
@needs_recordings
def test_each_sentence_is_an_utterance_from_its_first_word_to_its_last() -> None:
    """It is known for speech within half a second, and what stands before its onset is quiet."""
    files = recordings()["read"]
    sounds = [read(path) for path in files]
    told = [told for _, told in hear([ints(np.pad(sound, (RATE, RATE))) for sound in sounds])]
    for events, sound in zip(cut(told), sounds, strict=True):
        assert [kind for kind, _ in events[:2]] == ["onset", "speech"]
        assert events[-1][0] == "end"
        first = RATE + int(np.argmax(np.abs(sound) > 0.05))
        assert first - RATE <= events[0][1] <= first, "the onset has the first word in it"
        assert events[1][1] - first < RATE * 0.7
        last = RATE + len(sound) - int(np.argmax(np.abs(sound[::-1]) > 0.05))
        assert abs(events[-1][1] - last) < RATE * 0.4


@needs_node
def test_coughs_claps_keys_and_doors_interrupt_nobody() -> None:
    """Of 120 of them at most 3 become speech."""
    chance = np.random.default_rng(31)
    sounds = [NOISES[name](chance) for name in NOISES for _ in range(20)]
    loud = [np.pad(sound * chance.uniform(0.1, 0.7), RATE) for sound in sounds]
    pcm = [ints(sound + 3e-4 * chance.standard_normal(len(sound))) for sound in loud]
    events = cut([told for _, told in hear(pcm)])
    assert sum("speech" in dict(stream) for stream in events) <= 3
    assert len(events) == 120
    assert all(len(each) // WINDOW == len(told) for each, (_, told) in zip(pcm, hear(pcm), strict=True))
