"""`python -m bench.detector`: how good the browser client's voice detector is; with `--fit`, its weights anew.

Silero on the speech without the noise is the truth. To fit takes some five minutes; compile what it writes then:
`asc bench/detector/detector.ts -o voxint/web/client/detector.wasm --runtime stub -O3 --noAssert`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

import numpy as np
import trio

from bench.detector.fit import fit, source
from bench.detector.hearing import WINDOW, Floats, hear, ints, silero
from bench.detector.sounds import KINDS, Mix, alone, mixed, recordings

WEIGHTS = Path(__file__).with_name("weights.ts")
SECONDS = 20


async def truth_of(mixes: Sequence[Mix]) -> list[Floats]:
    """Return what Silero says of the speech alone."""
    spoken = [mix for mix in mixes if mix.speech is not None]
    told = iter(await silero([ints(mix.speech) for mix in spoken if mix.speech is not None]))
    silent = np.zeros(0, np.float32)
    return [
        next(told) if mix.speech is not None else np.resize(silent, len(mix.sound) // WINDOW).astype(np.float32)
        for mix in mixes
    ]


def row(name: str, told: Floats, truth: Floats) -> str:
    """Return a line of the table: the share of speech that is found, and of the rest that is taken for it."""
    speech = truth >= 0.5
    hit = f"{np.mean(told[speech] >= 0.5):7.1%}" if speech.any() else "      -"
    false = f"{np.mean(told[~speech] >= 0.5):7.1%}" if (~speech).any() else "      -"
    return f"{name:28}{hit}{false}"


async def rows() -> AsyncGenerator[str]:
    """Yield the table, line by line."""
    chance = np.random.default_rng(11)
    files = recordings()
    yield f"{'windows of 32 ms':28}{'hit':>7}{'false':>7}"
    for name, what in (("read", "read aloud"), ("held", "telephone")):
        mixes = [mixed(chance, files[name], SECONDS) for _ in range(24)]
        heard = [told for _, told in hear([ints(mix.sound) for mix in mixes])]
        truth = await truth_of(mixes)
        for low, high in ((0, 0), (5, 10), (15, 20), (30, 60)):
            some = [n for n, mix in enumerate(mixes) if mix.ratio_db is not None and low <= mix.ratio_db <= high]
            if some:
                told, right = (np.concatenate([each[n] for n in some]) for each in (heard, truth))
                yield row(f"{what}, {low} to {high} dB over noise", told, right)
    for kind in KINDS:
        mixes = [alone(chance, SECONDS, kind) for _ in range(4)]
        told = np.concatenate([told for _, told in hear([ints(mix.sound) for mix in mixes])])
        yield row(kind, told, np.zeros_like(told))


async def teach(more: Sequence[Path]) -> None:
    """Fit the weights and write them into the detector's source."""
    chance = np.random.default_rng(1)
    telephone = recordings()["telephone"]
    mixes = [mixed(chance, telephone, SECONDS) for _ in range(90)]
    mixes += [mixed(chance, more or telephone, SECONDS) for _ in range(110)]
    mixes += [alone(chance, SECONDS) for _ in range(90)]
    truth = await truth_of(mixes)
    heard = [known for known, _ in hear([ints(mix.sound) for mix in mixes])]
    weights = [np.where(right >= 0.5, _worth(mix.ratio_db), 1.0) for mix, right in zip(mixes, truth, strict=True)]
    together = (np.concatenate(each).astype(np.float32) for each in (heard, truth, weights))
    WEIGHTS.write_text(source(*fit(*together)))


async def show() -> None:
    """Print the table as it is made."""
    async with aclosing(rows()) as lines:
        async for line in lines:
            sys.stdout.write(f"{line}\n")


def _worth(ratio_db: int | None) -> float:
    """Return what speech counts: what drowns in noise need not be found at the price of false alarms."""
    return 1.0 if ratio_db is None or ratio_db > 5 else 0.7 if ratio_db > 0 else 0.35


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.detector", description=__doc__)
    parser.add_argument("--fit", action="store_true", help="fit the weights anew")
    parser.add_argument("--speech", type=Path, help="a folder of recordings to learn from, beside those of Debian")
    chosen = parser.parse_args()
    if chosen.fit:
        trio.run(teach, sorted(chosen.speech.glob("*.wav")) if chosen.speech else [])
    else:
        trio.run(show)


if __name__ == "__main__":
    main()
