"""`python -m voxint.cli`."""

from __future__ import annotations

from voxint.cli import main

if __name__ == "__main__":
    main(prog_name="voxint")
