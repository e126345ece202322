"""The espeak provider, with the real library in its process: what it speaks, and in which voice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import trio

from tests.processes import ENVIRONMENT, every_child
from tests.providers.spoken import speak
from voxint.core.stages import Speech, TextToSpeech
from voxint.errors import ConfigError
from voxint.providers import espeak
from voxint.providers._espeak_job import (
    Manner,
    Mark,
    Utterance,
    job_bytes,
    job_of,
    utterance_bytes,
    utterance_of,
)
from voxint.providers.espeak import Espeak
from voxint.workers.process import Worker

LONG = "the quick brown fox jumps over the lazy dog while nobody is looking "


def test_it_is_a_stage() -> None:
    """An Espeak is a TextToSpeech at espeak's own rate, which is known before it is entered."""
    stage = Espeak()
    assert isinstance(stage, TextToSpeech)
    assert stage.audio_format.rate == 22_050


async def test_the_library_is_kept_out_of_this_process() -> None:
    """It may abort it, and is under GPL: after a word the program that asked for it has not loaded it."""
    program = (
        "import sys, trio; from voxint.providers.espeak import Espeak\n"
        "print(trio.run(Espeak().check))\n"
        "print(any('espeak_library' in name or 'espeakng' in name for name in sys.modules))\n"
        "print('libespeak' in open('/proc/self/maps').read())"
    )
    with trio.fail_after(30):
        done = await trio.run_process([sys.executable, "-c", program], capture_stdout=True, env=ENVIRONMENT)
    said, imported, mapped = done.stdout.decode().splitlines()
    assert "spoke" in said
    assert (imported, mapped) == ("False", "False")


async def test_it_says_of_all_text_where_it_is_spoken() -> None:
    """What its Speech says, joined, is the text as it came, white space too; all hold whole samples."""
    pieces = ("  Hello there.\n", LONG * 8, "Goodbye!")
    async with Espeak() as stage:
        spoken = await speak(stage, *pieces)
    assert "".join(speech.text or "" for speech in spoken) == "".join(pieces)
    assert len(spoken) > len("".join(pieces).split()) / 2
    assert all(speech.audio and len(speech.audio) % 2 == 0 for speech in spoken)


@pytest.mark.parametrize("piece", ["", "  \n", "...", "。", "—", "\x00\x07", "😀😀", "\u200b"])
async def test_nothing_to_say_is_still_accounted_for(piece: str) -> None:
    """A piece without a letter, digit or sign gives one empty Speech with its text."""
    async with Espeak() as stage:
        assert await speak(stage, piece) == [Speech(b"", piece)]


async def duration_ms(stage: Espeak, text: str) -> float:
    """How long `stage` speaks `text`."""
    return stage.audio_format.bytes_ms(sum(len(speech.audio) for speech in await speak(stage, text)))


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("one\x00two", "one two"),
        ("\x0150S one two", " 50S one two"),
        ("one 😀 two", "one two"),
        ("one \ud800 two", "one two"),
        ("one\x1b[31m two", "one [31m two"),
    ],
)
async def test_control_characters_and_pictures_are_spaces(text: str, same_as: str) -> None:
    """What espeak would obey, end at or describe is spoken like a space; espeak's own jitter is a few samples."""
    async with Espeak() as stage:
        assert await duration_ms(stage, text) == pytest.approx(await duration_ms(stage, same_as), abs=10)


@pytest.mark.parametrize("markup", ['<break time="9000ms"/>', "<voice name='cmn'>", "[[h@l'oU]]", "&amp;"])
async def test_markup_is_plain_text(markup: str) -> None:
    """Neither SSML nor espeak's phoneme brackets are interpreted: their letters are read out."""
    async with Espeak() as stage:
        plain, marked = await duration_ms(stage, "hello"), await duration_ms(stage, f"{markup} hello")
    assert plain + 100 < marked < plain + 8_000


async def test_words_that_would_overrun_the_library_are_broken() -> None:
    """A word of 2,100 letters, of the kind that kills the process when espeak gets it whole, is spoken."""
    before = every_child()
    async with Espeak() as stage:
        [process] = every_child() - before
        assert await duration_ms(stage, "antidis" * 300) > 10_000
        assert every_child() - before == {process}


async def test_auto_speaks_the_language_of_each_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mostly Chinese text gets the Mandarin voice, other text the English one, figures the one before."""
    voices: list[str] = []
    plain = Worker.ask

    async def watched(worker: Worker, kind: int, payload: bytes = b"") -> bytes:
        voices.append(job_of(payload)[1].voice)
        return await plain(worker, kind, payload)

    monkeypatch.setattr(Worker, "ask", watched)
    async with Espeak() as stage:
        await speak(stage, "12", "我用 Python 编程。", "3.14", "Say 你好 to all of them.", "42")
    assert voices == ["en", "cmn", "cmn", "en", "en"]


async def spoken_with(**options: int) -> bytes:
    """Return a sentence as an Espeak with these options speaks it."""
    async with Espeak(voice="en", **options) as stage:
        return b"".join(speech.audio for speech in await speak(stage, LONG))


async def test_options_change_the_speech() -> None:
    """A faster rate is shorter, no volume is silence, and another pitch is another sound."""
    assert len(await spoken_with(rate_wpm=300)) < 0.6 * len(await spoken_with(rate_wpm=100))
    assert not any(await spoken_with(volume=0))
    assert await spoken_with(pitch=0) != await spoken_with(pitch=99)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("voice", 3),
        ("voice", "en\x00"),
        ("rate_wpm", 79),
        ("rate_wpm", "fast"),
        ("pitch", 101),
        ("pitch", True),
        ("volume", 1.5),
    ],
)
def test_a_bad_option_is_named(option: str, value: object) -> None:
    """A bad value is a ConfigError that names its option."""
    with pytest.raises(ConfigError, match=f"espeak option {option}"):
        Espeak(**{option: value})  # type: ignore[arg-type]  # values as TOML may hold them


async def test_a_voice_that_there_is_not_is_named() -> None:
    """On entering, when its process has been asked; nothing is left of that."""
    before = every_child()
    with pytest.raises(ConfigError, match="espeak option voice: espeak has no voice klingonese: write auto"):
        async with Espeak(voice="klingonese"):
            raise AssertionError("entered")
    assert every_child() == before


LOADER = """
def get_library_path(): return {library!r}
def get_data_path(): return {data!r}
"""


@pytest.mark.parametrize(
    ("loader", "said"),
    [
        ("raise ImportError", r"extra `speech` are not installed: pip install .*speech]"),
        (LOADER.format(library="/nowhere.so", data=""), r"espeak: its library can't be loaded here \(.*nowhere"),
    ],
)
async def test_a_missing_extra_says_how_to_get_it(
    loader: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the process can't import espeakng-loader, or not load the library, the ConfigError says what to do."""
    (tmp_path / "espeakng_loader.py").write_text(loader)
    monkeypatch.delitem(sys.modules, "espeakng_loader", raising=False)  # another test may have loaded the real one
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=said):
        await Espeak().check()


async def test_another_rate_is_no_surprise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The format is told before the library is there; one that speaks at another rate is refused."""
    monkeypatch.setattr(espeak, "RATE", 16_000)
    with pytest.raises(ConfigError, match="its library speaks at 22050 Hz, not 16000: install"):
        await Espeak().check()


async def test_it_must_be_entered_and_only_once() -> None:
    """Used before entering, or entered twice, it says so."""
    stage = Espeak()
    with pytest.raises(RuntimeError, match="async with Espeak"):
        await speak(stage, "hello")
    async with stage:
        with pytest.raises(RuntimeError, match="was entered before"):
            await stage.__aenter__()


async def test_check_says_that_it_works_entered_and_not() -> None:
    """`check` names the engine and what it spoke; nothing is left of it."""
    before = every_child()
    stage = Espeak()
    assert "espeak-ng 1." in await stage.check()
    assert every_child() == before
    async with Espeak() as entered:
        assert "espeak-ng 1." in await entered.check()


def test_what_goes_to_the_process_and_comes_back_is_whole() -> None:
    """Any text, a lone surrogate too, its manner, the samples and the marks."""
    manner = Manner("en-us", 175, 50, 100)
    assert job_of(job_bytes("日本 \ud800 \x00", manner)) == ("日本 \ud800 \x00", manner)
    for marks in ((), (Mark(0, 0), Mark(70_000, 9_000))):
        for audio in (b"", b"\x01\x02" * 5):
            assert utterance_of(utterance_bytes(Utterance(audio, marks))) == Utterance(audio, marks)


async def test_a_voice_that_a_caller_has_chosen() -> None:
    """One for each language of its data; whoever chooses it is spoken to in it, beside those who have not."""
    assert Espeak().voices == ()
    async with Espeak() as stage:
        offered = {voice.name: voice.language for voice in stage.voices}
        assert len(stage.voices) <= espeak.MOST_VOICES
        assert {"en": "en", "cmn": "zh", "de": "de", "pt-BR": "pt"}.items() <= offered.items()
        said = [await speak(each, "Kindergarten. ") for each in (stage.speaking_as("de"), stage)]
        german, own = (sum(len(speech.audio) for speech in spoken) for spoken in said)
        assert abs(german - own) > 2000


async def test_every_voice_that_is_offered_speaks() -> None:
    """None needs a file that is not there."""
    async with Espeak() as stage:
        for voice in stage.voices:
            assert any(speech.audio for speech in await speak(stage.speaking_as(voice.name), "1 ")), voice
