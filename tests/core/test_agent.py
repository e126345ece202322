from __future__ import annotations

import pytest

from voxint.core.agent import Limits


@pytest.mark.parametrize("wrong", [{"interrupt_s": 0}, {"frame_ms": 5}, {"frame_ms": 500}, {"overruns": 0}])
def test_a_limit_has_to_make_sense(wrong: dict[str, float]) -> None:
    """Refused where it is set, not where it is used."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Limits(**wrong)  # type: ignore[arg-type]  # numbers of any kind are the point
