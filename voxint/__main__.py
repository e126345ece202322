"""`python -m voxint`: the command `voxint`, for where that is not on the search path."""

from __future__ import annotations

from voxint.cli import main

if __name__ == "__main__":
    main(prog_name="python -m voxint")
