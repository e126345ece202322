"""`python -m bench attacks`."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import trio
from rich.console import Console

from bench.attacks.attack import Sections
from bench.attacks.catalogue import CATALOGUE
from bench.attacks.results import Attacked, AttackRun, save_attacks
from bench.attacks.run import run_attacks
from bench.attacks.table import print_attacks, row_of
from bench.environments import HOME
from bench.machine import commit, machine
from bench.processes import may_go_first

__all__ = ["BROKEN", "attacks"]

BROKEN = 5
"""The exit code where a bound was broken, or an attack not measured; 1 and 2 are Python's and click's, 3 and 4
`compare`'s."""

SECONDS = 8.0
WIDTH = 140
"""Columns where there is no terminal."""

ITEMS = tuple(dict.fromkeys(attack.item for attack in CATALOGUE.values()))


def chosen(names: tuple[str, ...]) -> list[str]:
    """Return the attacks that are meant: by their own name, or a group's; none: all of them.

    Raises:
        click.BadParameter: There is no such name.
    """
    known = (*CATALOGUE, *ITEMS)
    if unknown := [name for name in names if name not in known]:
        raise click.BadParameter(f"no such attack: {', '.join(unknown)}; there are {', '.join(known)}")
    return [name for name, attack in CATALOGUE.items() if not names or name in names or attack.item in names]


def settings_of(given: tuple[str, ...]) -> Sections:
    """Return settings of the form ``section.key=value``, where the value is JSON, or else text.

    Raises:
        click.BadParameter: One has another form.
    """
    sections: dict[str, dict[str, object]] = {}
    for each in given:
        place, equals, value = each.partition("=")
        section, dot, key = place.partition(".")
        if not equals or not dot:
            raise click.BadParameter(f"{each}: expected section.key=value")
        try:
            sections.setdefault(section, {})[key] = json.loads(value)
        except ValueError:
            sections.setdefault(section, {})[key] = value
    return sections


@click.command()
@click.argument("names", nargs=-1)
@click.option("--seconds", default=SECONDS, show_default=True, help="How long each goes on.")
@click.option("--set", "given", multiple=True, metavar="SECTION.KEY=VALUE", help="A setting of the servers.")
@click.option("--first", is_flag=True, help="A server goes before all else on its core: on a busy machine, as root.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The result.  [.bench/attacks/TIME.json]")
@click.option("--list", "only_list", is_flag=True, help="Print the names.")
def attacks(
    names: tuple[str, ...], seconds: float, given: tuple[str, ...], first: bool, out: Path | None, only_list: bool
) -> None:
    """Attack a server over loopback, and measure how bystanders fare: NAMES of attacks or of groups, or all.

    Exit code 5 if a bound was broken. All of them take a quarter of an hour.
    """
    wanted, more = chosen(names), settings_of(given)
    if only_list:
        click.echo("\n".join(f"{CATALOGUE[name].item:10} {name:18} {CATALOGUE[name].what}" for name in wanted))
        return
    if not hasattr(os, "sched_setaffinity"):
        raise click.ClickException("a run gives each process its cores, which needs Linux")
    if first and not may_go_first():
        raise click.ClickException("--first makes a real-time process, which needs root or CAP_SYS_NICE")
    now = datetime.now(UTC)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    before = machine()

    def tell(each: Attacked) -> None:
        console.print(" ".join(row_of(each)), *each.broken, soft_wrap=True, highlight=False, markup=False)

    found = trio.run(run_attacks, wanted, seconds, more, first, tell)
    path = out or HOME / "attacks" / f"{now.strftime('%Y%m%d-%H%M%S')}.json"
    save_attacks(AttackRun(now.isoformat(timespec="seconds"), commit(), before, tuple(found)), path)
    print_attacks(found, console)
    console.print(str(path), soft_wrap=True, highlight=False)
    sys.exit(BROKEN if any(each.broken or each.seen is None for each in found) else 0)
