"""How a bystander fares while somebody attacks the server: ``python -m bench attacks --help``."""

# catalogue.py       every attack: what it does, against which server, and what must hold
# attack.py          what an attack is
# clients/           what attackers do, and site.py what they are given for it
# attacker.py        their process
# hostile.py         a model's upstream that attacks whoever asks for it, in a process of its own
# hostile_answers.py what it answers, and hostile_http.py how
# served.py          the server's process, and its end
# bystanders.py      the callers of whom it is measured how they fare
# run.py             attack after attack
# verdict.py         the bounds of all attacks, and judges.py those of single ones
# results.py         what is left of a run
# table.py           what a person sees of it
# command.py         the command
# keys.py            keys that are made up

from __future__ import annotations
