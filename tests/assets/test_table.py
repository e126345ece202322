from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from tests.needs import missing, skip_for
from voxint.assets import find
from voxint.assets.table import ENTRIES, GROUPS, AssetEntry, entry_of, names, recommended
from voxint.errors import ConfigError
from voxint.extras import to_add

EVERY = list(ENTRIES.values())

HOSTS = {"github.com", "huggingface.co", "download.moonshine.ai"}
"""Of the vendors' own repositories."""

IN_PACKAGES = [entry for entry in EVERY if entry.packaged]


@pytest.mark.parametrize("entry", EVERY, ids=lambda entry: entry.name)
def test_an_entry_is_whole(entry: AssetEntry) -> None:
    """It has a size, an identity, a licence, and a place it can be had from: a package, or its vendor over https."""
    assert entry.size > 0
    assert re.fullmatch("[0-9a-f]{64}", entry.sha256)
    assert entry.licence in ("Apache-2.0", "BSD-2-Clause", "MIT")
    assert entry.group in GROUPS
    assert entry.packaged or entry.urls
    assert bool(entry.packaged) == bool(entry.extra)
    assert not entry.extra or to_add(entry.extra)
    assert all(urlsplit(url).scheme == "https" and urlsplit(url).hostname in HOSTS for url in entry.urls)
    assert not entry.file.startswith("/")
    assert ".." not in entry.file


def test_no_two_entries_are_alike() -> None:
    """Neither by name, nor by the file they are kept in, nor by what they are."""
    for of in ("name", "file", "sha256"):
        assert len({getattr(entry, of) for entry in EVERY}) == len(EVERY)


def test_a_group_has_its_names() -> None:
    """In the table's order; an unknown group has none."""
    assert names("kokoro") == ("kokoro", "kokoro-vocab", "kokoro-voices-ja")
    assert len(names("kokoro-voices")) == 36
    assert names("moonshine") == tuple(f"moonshine-tiny-en-{part}" for part in ("encoder", "decoder", "tokenizer"))
    assert names("whisper")[0] == "whisper-base"
    assert names("unheard-of") == ()
    assert {name for group in GROUPS for name in names(group)} == set(ENTRIES)


def test_what_is_recommended_speaks_and_hears() -> None:
    """The model with a voice of each kind, and English recognition; no whisper, which is large."""
    found = {*recommended()}
    assert found >= {"kokoro", "kokoro-vocab", "kokoro-voice-af_heart", "kokoro-voice-zf_xiaobei", *names("moonshine")}
    assert not found & {*names("whisper")}


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    """So that a slip of the hand is seen."""
    with pytest.raises(ConfigError, match=r"model file kokoro-voice-af_hart: .* did you mean kokoro-voice-af_heart\?"):
        entry_of("kokoro-voice-af_hart")
    with pytest.raises(ConfigError, match="`voxint models` lists them"):
        entry_of("zzz")


@pytest.mark.parametrize("entry", IN_PACKAGES, ids=lambda entry: entry.name)
def test_what_the_packages_bring_is_the_file(entry: AssetEntry) -> None:
    """Joined from its parts, by its SHA-256."""
    skip_for(missing(packages=[part.package for part in entry.packaged]))
    asset = find(entry.name)
    assert asset.where == "package"
    assert len(asset.paths) == len(entry.packaged)
    asset.check()
