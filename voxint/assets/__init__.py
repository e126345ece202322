"""The files of speech models: which there are, where each is looked for, and how they come to this machine.

::

    asset = find("kokoro")  # on the disk alone: the network is never asked here
    model = asset.read()  # its parts joined, its size and its SHA-256 checked

A file's identity is its SHA-256, so it does not matter where it comes from. Only `open_puller` fetches, and only where
somebody has asked for it, by `voxint models pull`.
"""

# table.py      each file: its size, its SHA-256, its licence, and where it can be had
# folders.py    the folder that was configured, and the cache
# find.py       a file on this disk, checked
# part.py       a file that is coming in: kept where it breaks off, checked, and then renamed
# source.py     one https request: the redirects it follows, and where in the file its answer begins
# pull.py       fetch files into a folder
# pull_lock.py  one that fetches at a time, in a folder

from __future__ import annotations

from voxint.assets.find import Asset, find, is_there
from voxint.assets.table import AssetEntry, names

__all__ = ["Asset", "AssetEntry", "find", "is_there", "names"]
