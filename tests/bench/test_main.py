from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.schema import save
from tests.bench.make_results import make_results


def test_where_processes_get_no_cores_a_run_says_so_and_a_report_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On macOS and Windows: measuring needs Linux, looking at results does not."""
    monkeypatch.delattr(os, "sched_setaffinity")
    refused = CliRunner().invoke(main, ["quick", "--out", str(tmp_path / "run")])
    assert refused.exit_code == 1
    assert "which needs Linux; `voxint bench` does not" in refused.output
    assert not (tmp_path / "run").exists()
    save(make_results(("streaming-1",), rounds=1), tmp_path / "results.json")
    assert CliRunner().invoke(main, ["report", str(tmp_path / "results.json")]).exit_code == 0
