"""What the pocketsphinx provider understands by a grammar, and what it says of a bad one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers.spoken import hear, say
from voxint.errors import ConfigError
from voxint.providers.pocketsphinx import PocketSphinx, demo_sentences

LAMP = "#JSGF V1.0;\ngrammar lamp;\npublic <order> = switch (on | off) the lamp;\n"


async def test_a_grammar_of_ones_own(tmp_path: Path) -> None:
    """A path names a JSGF file, and its sentences alone are understood."""
    grammar = tmp_path / "lamp.gram"
    grammar.write_text(
        "#JSGF V1.0;\ngrammar lamp;\npublic <order> = switch (on | off) the lamp in the (kitchen | garden | bedroom);\n"
    )
    async with PocketSphinx(grammar=str(grammar)) as stt:
        (*_, final) = await hear(stt, await say("switch off the lamp in the kitchen"))
    assert final.text == "switch off the lamp in the kitchen"


async def test_general_english() -> None:
    """Without a grammar other words than the demo's are heard, if not always rightly."""
    async with PocketSphinx(grammar="general") as stt:
        (*_, final) = await hear(stt, await say("the weather in the garden is beautiful"))
    assert len(final.text.split()) >= 4
    assert final.text not in demo_sentences()


async def test_it_needs_no_place_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a read-only file system the processes start and understand: they write no file."""
    (tmp_path / "tempfile.py").write_text("raise FileNotFoundError('No usable temporary directory found')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("TMPDIR", "/nowhere")
    async with PocketSphinx() as stt:
        (*_, final) = await hear(stt, await say("tell me a story"))
    assert final.text == "tell me a story"


async def test_a_grammar_may_import_another_beside_it(tmp_path: Path) -> None:
    """Wherever the server was started; and any word of the dictionary may stand in what is imported."""
    (tmp_path / "rooms.gram").write_text("#JSGF V1.0;\ngrammar rooms;\npublic <room> = kitchen | garden;\n")
    home = tmp_path / "home.gram"
    home.write_text(
        "#JSGF V1.0;\ngrammar home;\nimport <rooms.room>;\npublic <order> = switch off the lamp in the <room>;\n"
    )
    async with PocketSphinx(grammar=str(home)) as stt:
        (*_, final) = await hear(stt, await say("switch off the lamp in the kitchen"))
    assert final.text == "switch off the lamp in the kitchen"


async def test_a_grammar_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    """As an editor of Windows saves UTF-8."""
    grammar = tmp_path / "lamp.gram"
    grammar.write_text(LAMP, encoding="utf-8-sig")
    async with PocketSphinx(grammar=str(grammar)) as stt:
        (*_, final) = await hear(stt, await say("switch off the lamp"))
    assert final.text == "switch off the lamp"


async def test_a_grammar_in_another_encoding_says_so(tmp_path: Path) -> None:
    """UTF-16 is no UTF-8."""
    grammar = tmp_path / "lamp.gram"
    grammar.write_text(LAMP, encoding="utf-16")
    with pytest.raises(ConfigError, match=r"pocketsphinx: the grammar .*not in UTF-8"):
        await PocketSphinx(grammar=str(grammar)).check()
