"""The page's own QR encoder, read back by another program's decoder."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.needs import needed

zxingcpp = pytest.importorskip("zxingcpp", reason=needed("zxing-cpp"))
QR = Path(__file__).parent.parent.parent / "voxint" / "web" / "page" / "qr.js"
