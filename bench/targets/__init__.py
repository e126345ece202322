"""The systems that are measured: one file each, one process each, each in an environment of its own."""

# A target's file has the same few names, and imports nothing of voxint's unless it is voxint:
#   DIALECT   how it is spoken to: "voxint" (docs/reference/wire.md), "plain" (plain.py) or "echo"
#   PACKAGES  the distributions whose versions the report names
#   NOTES     how it is used, and why that is the fastest legitimate way to use it
#   CANNOT    scenarios (bench/scenarios.py) that it can't do, each with the reason
#   run       serve until killed
#
# __main__.py  runs one of them: python -m bench.targets NAME ...
# plain.py     the protocol of the targets that bring none of their own, and what their files share
