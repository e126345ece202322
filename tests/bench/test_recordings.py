from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bench.recordings import CHOSEN, RecordingsMissing, from_folder, from_packages, prompts, read_aloud
from tests.bench.sounds import save_wav
from tests.conftest import ABSENT
from voxint.core.audio import AudioFormat


def test_sentences_come_with_what_is_read(tmp_path: Path) -> None:
    """Without the marks of where a sentence begins and ends."""
    (tmp_path / "transcription").write_text("<s> he was not </s> (book-0880)\n<s> had he </s> (book-0920)\n")
    for name in ("book-0880", "book-0920"):
        save_wav(tmp_path / f"{name}.wav", bytes(16_000))
    first, second = read_aloud(tmp_path)
    assert (first.name, first.text, first.seconds, second.text) == ("book-0880", "he was not", 0.5, "had he")


def test_the_chosen_prompts_come_with_their_texts(tmp_path: Path) -> None:
    """Out of the package's own list, in which comments and sounds stand that nobody says."""
    texts = tmp_path / "core-sounds-en.txt.gz"
    lines = ["; Core Sounds", "", "beep: (a beep)", *(f"{name}: Say: {name}, please. " for name in CHOSEN)]
    texts.write_bytes(gzip.compress("\n".join(lines).encode()))
    for name in CHOSEN:
        save_wav(tmp_path / f"{name}.wav", bytes(8_000), rate=8_000)
    found = prompts(tmp_path, texts)
    assert [each.name for each in found] == list(CHOSEN)
    assert (found[0].text, found[0].audio_format) == (f"Say: {CHOSEN[0]}, please.", AudioFormat(8_000))
    assert len(found[0].at(AudioFormat(16_000))) == 16_000
    texts.write_bytes(gzip.compress(b"beep: (a beep)\n"))
    with pytest.raises(RecordingsMissing, match=f"has no text of {CHOSEN[0]}, .*: is it of another version"):
        prompts(tmp_path, texts)


def test_what_is_absent_is_told_with_the_package_that_brings_it(tmp_path: Path) -> None:
    """The recordings are not ours to ship."""
    with pytest.raises(RecordingsMissing, match=r"is not there: install Debian's package pocketsphinx-testdata \(apt-"):
        read_aloud(tmp_path)
    with pytest.raises(RecordingsMissing, match="package asterisk-core-sounds-en-wav "):
        prompts(tmp_path, tmp_path / "texts.gz")
    texts = tmp_path / "texts.gz"
    texts.write_bytes(gzip.compress("\n".join(f"{name}: Yes." for name in CHOSEN).encode()))
    with pytest.raises(RecordingsMissing, match="package asterisk-core-sounds-en-wav "):
        prompts(tmp_path / "nowhere", texts)


def test_a_folder_of_ones_own_is_heard(tmp_path: Path) -> None:
    """Each sound with its words beside it, in any language."""
    save_wav(tmp_path / "two.wav", bytes(32_000))
    with pytest.raises(RecordingsMissing, match=r"two.wav has no words: write them in two.txt"):
        from_folder(tmp_path)
    (tmp_path / "two.txt").write_text("现在几点？\n", encoding="utf-8")
    [found] = from_folder(tmp_path)
    assert (found.text, found.group, found.seconds) == ("现在几点？", tmp_path.name, 1.0)


def test_a_folder_that_can_not_be_heard_is_told(tmp_path: Path) -> None:
    """Which file it is, and what it should be."""
    with pytest.raises(RecordingsMissing, match=r"has no recordings: put name\.wav"):
        from_folder(tmp_path)
    (tmp_path / "bad.txt").write_text("Yes.")
    save_wav(tmp_path / "bad.wav", bytes(8_000), channels=2)
    with pytest.raises(RecordingsMissing, match=r"bad.wav is no mono of 16 bits"):
        from_folder(tmp_path)
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    with pytest.raises(RecordingsMissing, match=r"bad.wav can't be read as a WAV file"):
        from_folder(tmp_path)


def test_the_packages_of_this_machine_bring_what_is_wanted() -> None:
    """Each recording is of a few seconds, and has words."""
    try:
        found = from_packages()
    except RecordingsMissing as error:
        pytest.skip(f"{error}; it is {ABSENT}")
    assert len(found) == 5 + len(CHOSEN)
    assert all(1 < each.seconds < 9 and len(each.text.split()) > 3 for each in found)
