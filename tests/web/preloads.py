"""Write anew which modules index.html preloads, when the page imports others: `python -m tests.web.preloads`."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

__all__ = ["imported"]

WEB = Path(__file__).parent.parent.parent / "voxint" / "web"

IMPORT = re.compile(r'^(?:import|export) [^;]*?from "(\.[^"]+)"', re.MULTILINE)
LINK = '<link rel="modulepreload" href="web/{}">\n'
LINKS = re.compile(r'(<link rel="modulepreload"[^\n]*\n)*(?=<script type="module")')


def imported(file: str, seen: set[str]) -> set[str]:
    """Return a module of the folder and all that it imports, itself or by others.

    Args:
        file: Its path in the folder.
        seen: Those that are known already.
    """
    if file not in seen:
        seen.add(file)
        for name in IMPORT.findall((WEB / file).read_text(encoding="utf-8")):
            imported(posixpath.normpath(posixpath.join(posixpath.dirname(file), name)), seen)
    return seen


def main() -> None:
    """Change index.html."""
    index = WEB / "page" / "index.html"
    modules = sorted(imported("page/page.js", set()) - {"page/page.js"})
    links = "".join(LINK.format(module) for module in modules)
    index.write_text(LINKS.sub(links, index.read_text(encoding="utf-8"), count=1), encoding="utf-8")


if __name__ == "__main__":
    main()
