"""Engines in processes of their own: what holds Python's lock, crashes, or can't be stopped in a thread.

A job is a kind and some bytes, and its answer is bytes; the engine stays loaded from one to the next. A job that is
cancelled is over when `trio.Cancelled` is raised: the child has said that it let go of it, or the child is dead.

frames.py    what goes through the pipes; needs the standard library alone
child.py     the child's side: jobs one at a time, and their abort; needs the standard library alone
process.py   the parent's side of one process
pool.py      processes that are kept warm, and lent in fair turns
"""

# Nothing is imported here: a child imports its side alone, and has no use for trio.

from __future__ import annotations

__all__: list[str] = []
