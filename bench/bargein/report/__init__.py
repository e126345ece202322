"""What a person sees of a run of barge-in by voice."""

# table.py     the tables, as rows of text; and the terminal's
# det.py       missed interruptions against false stops as a threshold moves
# to_scale.py  one call to scale
# page.py      the page, and the pictures as files

from __future__ import annotations
