"""The public names."""

from __future__ import annotations

import subprocess
import sys

import pytest

import voxint


@pytest.mark.parametrize("name", voxint.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """Each name of `__all__` can be had, and says where it lives."""
    assert getattr(voxint, name) is not None


def test_the_lazy_names_and_the_list_agree() -> None:
    """No public name is missing from `__all__`, and none there has no home."""
    assert {*voxint._MODULE, "__version__"} == set(voxint.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A typo is told as Python tells it."""
    with pytest.raises(AttributeError, match="no attribute 'Agnet'"):
        _ = voxint.Agnet


def test_importing_voxint_loads_no_server() -> None:
    """`import voxint` stays cheap: neither trio nor the server is loaded before a name is asked for."""
    program = "import sys, voxint; print(*sorted({'trio', 'httpx', 'voxint.server'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
