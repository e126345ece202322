"""The command line, and the only place that binds a server to its providers."""

# demo.py       `voxint demo`: a whole server with nothing but this machine
# demo_stages.py   its voices and ears, and what takes their place
# demo_model.py    its language model: found, named, or the stand-in
# demo_welcome.py  what it says of itself
# local_models.py  model servers on this machine
# model_choice.py  which of a server's models is fit for talking
# loading.py    what loads, while it loads
# say.py        `voxint say`: talk to any voxint server
# talk.py       `voxint talk`: a conversation by voice with any voxint server
# serve.py      `voxint serve`, and the options of every serving command
# check.py      `voxint check`: is the configuration right, and does every provider answer?
# keys.py       `voxint keys`: make, list and revoke keys, hash passwords
# models.py     `voxint models`: which files the speech models need, and fetch them
# bench.py      `voxint bench`: how long interruptions take on a running server
# sim.py        `voxint sim`: the simulated upstream by itself
# agent.py      from a configuration to a running agent
# listening.py  whether a server hears a microphone that is always open, and why not
# together.py   what takes long to open, opened at once
# opening.py    where to open the page, and whether it has a microphone there
# running.py    a server as a process: from the configuration to the last connection
# outside.py    its main thread, outside of the event loop: signals, and the end in time
# failures.py   one line for an operator's error, and the exit codes
# logs.py       what the log looks like
# line_writer.py  lines to a descriptor that may not take them
# libraries.py  what libraries say past it
# shown_answer.py  an answer that `say` prints and plays, and how long it still lasts
# sound.py      the sound files that `say` reads and writes
# speakers.py   where `say` plays an answer
# sound_card/   the microphone and the loudspeaker of this machine
# talking/      a conversation by voice: what is heard, what is shown, and what each event makes of it
# terminal.py   what is written to a terminal, and how
# model_list.py  the list of model files, for a person, a pipe and a program
# receipts.py   a receipt as a person reads it
# reaching.py   the address of a server, and its refusal of a key
# measured.py   what `bench` shows

from __future__ import annotations

import importlib

import click

from voxint._version import __version__
from voxint.cli.terminal import Commands

__all__ = ["main"]


class _Commands(Commands):
    """Imports a command when it is called: `say` needs no server, and nobody's `serve` needs numpy."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["demo", "talk", "say", "serve", "check", "keys", "models", "bench", "sim"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = getattr(importlib.import_module(f"voxint.cli.{cmd_name}"), cmd_name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="voxint", message="%(prog)s %(version)s")
def main() -> None:
    """An interruptible voice server. Start with `voxint demo`."""
