from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import combinations

import pytest

from voxint.cli.demo_stages import (
    ESPEAK,
    KOKORO,
    MODULES,
    MOONSHINE,
    POCKETSPHINX,
    SILERO,
    DemoPart,
    Opened,
    choose_stages,
    demo_stage,
    open_chosen,
    open_first,
)
from voxint.cli.loading import Loading
from voxint.errors import ConfigError, UpstreamError

EVERY = [frozenset(some) for n in range(len(MODULES) + 1) for some in combinations(sorted(MODULES), n)]
"""Every combination of what may be installed."""


@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("installed", EVERY, ids=" ".join)
def test_what_is_installed_is_tried_the_best_first(installed: frozenset[str], light: bool) -> None:
    """Nothing is tried whose packages are missing, and nothing large where the small ones are asked for."""
    stages = choose_stages(installed, light=light, remedy="install it")
    ears, voices = ([POCKETSPHINX], [ESPEAK]) if light else ([MOONSHINE, POCKETSPHINX], [KOKORO, ESPEAK])
    assert [*stages.ears] == [part for part in ears if part.modules <= installed]
    assert [*stages.voices] == [part for part in voices if part.modules <= installed]
    assert [*stages.detectors] == [part for part in [SILERO] if stages.ears and part.modules <= installed]


@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("installed", EVERY, ids=" ".join)
def test_what_is_missing_of_the_best_is_told_once(installed: frozenset[str], light: bool) -> None:
    """With what to do about it; nothing is told where nothing is missing."""
    stages = choose_stages(installed, light=light, remedy="install it")
    best = (POCKETSPHINX, ESPEAK) if light else (MOONSHINE, KOKORO)
    missing = {name for part in best for name in part.modules} - installed
    assert bool(stages.notes) == bool(missing)
    for note in stages.notes:
        assert note.endswith(": install it")
        assert all(name in note for name in missing)
        assert all((part.title in note) != (part.modules <= installed) for part in best)


def part(name: str) -> DemoPart:
    """Return a part that is nobody's."""
    return DemoPart(name, "about it", demo_stage("tts", name, {}))


@asynccontextmanager
async def entered(each: DemoPart) -> AsyncGenerator[object]:
    """Enter a part, which fails as its name says."""
    match each.title:
        case "no file":
            raise ConfigError("kokoro", "its model is not here")
        case "group":
            raise ExceptionGroup("", [ExceptionGroup("", [UpstreamError("it is ill")])])
        case "system":
            raise OSError("no memory")
        case "bug":
            raise KeyError("a bug")
    yield f"{each.title} entered"


async def first(*names: str) -> Opened:
    """Return what is opened of these."""
    async with open_first([part(name) for name in names], entered, Loading(lines=False)) as opened:
        return opened
    raise AssertionError("an error was swallowed")


async def test_the_next_takes_the_place_of_what_cannot_be_opened() -> None:
    """And the words of each that could not be are kept, also of errors in groups."""
    assert (await first("good", "no file")).notes == ()
    opened = await first("no file", "group", "system", "good", "other")
    assert (opened.part, opened.stage) == (part("good"), "good entered")
    assert opened.notes == (
        "no file can't be used: kokoro: its model is not here",
        "group can't be used: it is ill",
        "system can't be used: no memory",
    )


async def test_where_none_can_be_opened_there_is_nobody() -> None:
    """Which is no error: a demo without a voice answers by text."""
    assert await first() == Opened()
    assert await first("no file") == Opened(notes=("no file can't be used: kokoro: its model is not here",))


async def test_a_bug_is_no_reason_to_take_the_next() -> None:
    """It is told as one."""
    with pytest.raises(KeyError):
        await first("bug", "good")


async def test_an_error_of_the_block_is_not_taken_for_one_of_the_part() -> None:
    """What is served with it may fail by the same kind of error."""
    with pytest.raises(ConfigError, match="the port"):
        async with open_first([part("good"), part("other")], entered, Loading(lines=False)):
            raise ConfigError("the port", "is taken")


async def test_nothing_takes_the_place_of_what_a_person_chose() -> None:
    """It is an error that it can't be opened."""
    with pytest.raises(ConfigError, match="its model is not here"):
        async with open_chosen(part("no file"), entered, Loading(lines=False)):
            raise AssertionError("unreachable")


async def test_what_loads_is_told_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing can move."""
    async with open_first([part("no file"), part("good\x1b[2J")], entered, Loading(lines=True)):
        pass
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["loading voice: no file", "loading voice: good\\x1b[2J"]
    assert lines[2:] == ["voice ready after 0.0 s"]
