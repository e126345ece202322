from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import msgspec
import pytest

from bench.attacks.catalogue import CATALOGUE
from bench.attacks.command import BROKEN, ITEMS, chosen, settings_of
from bench.attacks.keys import UPSTREAM_KEY
from bench.attacks.results import Attacked, AttackRun, Seen
from bench.attacks.run import log_faults
from bench.attacks.served import configuration, to_toml
from bench.attacks.site import AttackReport
from bench.attacks.table import notes_of, row_of
from bench.environments import ROOT
from voxint.server.config_file import load_config


def test_attacks_are_chosen_by_name_and_by_group() -> None:
    """In the catalogue's order; without a name it is all of them, and an unknown one is told."""
    assert chosen(()) == list(CATALOGUE)
    assert chosen(("usage", "sighup")) == ["sighup", "usage"]
    assert set(chosen(("loop",))) == {"stderr_unread", "stderr_full", "sighup"}
    with pytest.raises(click.BadParameter, match="no such attack: nonsense"):
        chosen(("nonsense",))


def test_no_attack_has_a_groups_name() -> None:
    """Else one could not be asked for alone."""
    assert set(ITEMS).isdisjoint(CATALOGUE)


def test_settings_are_read_as_json_or_as_text() -> None:
    """So that numbers are numbers; without a section it is an error."""
    given = ("server.register_s=3", "llm.model=small", "server.port=1")
    assert settings_of(given) == {"server": {"register_s": 3, "port": 1}, "llm": {"model": "small"}}
    with pytest.raises(click.BadParameter, match=r"expected section\.key=value"):
        settings_of(("port=1",))


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_configuration_is_one_that_the_server_takes(name: str, tmp_path: Path) -> None:
    """The file is read without a complaint, and where keys are asked for, there are some."""
    file = tmp_path / "voxint.toml"
    file.write_text(to_toml(configuration(CATALOGUE[name], 8000, "http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1")))
    config = load_config(file, {}, {})
    assert config.server.port == 8000
    assert bool(config.server.api_keys) == CATALOGUE[name].keyed


def test_a_log_is_searched_for_secrets_and_for_what_is_no_json() -> None:
    """A key that no caller should find there is told by what it is called."""
    log = b'{"event": "started"}\nTraceback\n' + json.dumps({"error": UPSTREAM_KEY.upper()}).encode()
    assert log_faults(log) == (1, ("the key in capitals",))


def test_a_row_says_what_was_broken_and_the_notes_by_what() -> None:
    """One that could not be measured says why."""
    seen = Seen(8.0, attacker=AttackReport({"answered": 800.0}, {"answered": [1.0, 3.0]}))
    broken = Attacked("guesses", "strangers", seen, ("100 guesses a second",))
    assert row_of(broken)[0] == "guesses"
    assert row_of(broken)[-1] == "broken"
    assert "broken: 100 guesses a second" in notes_of(broken)
    assert "answered 800 (100/s)" in notes_of(broken)[-1]
    missing = Attacked("guesses", "strangers", None, problem="no server")
    assert row_of(missing)[-1] == "not measured"
    assert notes_of(missing) == ["problem: no server"]


def test_a_run_leaves_a_table_and_a_result(tmp_path: Path) -> None:
    """Whatever the server does under it: two attacks, a second each, and an exit code that says whether it held."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "attacks", "sighup", "usage", "--seconds=1", f"--out={tmp_path / 'run.json'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, BROKEN), done.stderr
    run = msgspec.json.decode((tmp_path / "run.json").read_bytes(), type=AttackRun)
    assert [each.name for each in run.attacks] == ["sighup", "usage"]
    assert all(each.seen is not None and each.seen.quiet.interrupts for each in run.attacks)
    assert (done.returncode == BROKEN) == any(each.broken for each in run.attacks)
    assert "bystanders under attack" in done.stdout
