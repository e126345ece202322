from __future__ import annotations

import pytest

from voxint.cli.talking.screen import PlainScreen, open_screen
from voxint.cli.talking.view import Picture


def test_without_a_terminal_there_are_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """What was said on standard output, to be piped on; states and notes on standard error, each state once."""
    with open_screen() as screen:
        assert isinstance(screen, PlainScreen)
        for picture in (Picture("listening"), Picture("listening"), Picture("hearing")):
            screen.show(picture)
        screen.say("you", "tell me a story\x1b[2J")
        screen.say("note", "interrupted")
    written = capsys.readouterr()
    assert written.out == "you: tell me a story\\x1b[2J\n"
    assert written.err == "[listening]\n[hearing you]\ninterrupted\n"


def test_a_terminal_keeps_what_was_said_above_what_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is left with what was said alone."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    with open_screen() as screen:
        screen.show(Picture("hearing", transcript="tell"))
        screen.say("you", "tell me \x9b2J")
        screen.say("note", "interrupted")
        screen.show(Picture("thinking"))
    written = capsys.readouterr().out
    assert "hearing you" in written
    assert r"tell me \x9b2J" in written
    assert "\x9b" not in written
    assert written.index("interrupted") < written.index("thinking")


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can't move its cursor."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    with open_screen() as screen:
        assert isinstance(screen, PlainScreen)
