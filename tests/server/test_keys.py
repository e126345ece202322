from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from voxint.errors import ConfigError
from voxint.server.keys import KeyRecord, digest_of, find_records, format_keys, new_key, parse_keys

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)

DIGEST = "ab" * 32

LINE = f'{{"sha256":"{DIGEST}","scopes":["talk"],"created":"2026-11-30T12:00:00Z"}}\n'


def test_a_key_has_256_random_bits() -> None:
    """Behind a prefix by which it is known as one; no two are the same."""
    made = [new_key(("talk",), NOW)[0] for _ in range(3)]
    assert len(set(made)) == 3
    assert {(key[:4], len(key)) for key in made} == {("vox_", 4 + 43)}


def test_nothing_of_a_key_is_kept_but_its_digest() -> None:
    """Whoever reads the file has no key."""
    key, record = new_key(("observe", "talk"), NOW, name="kiosk", expires=NOW + timedelta(days=1))
    written = format_keys([record])
    assert key not in written.decode()
    assert key.removeprefix("vox_") not in written.decode()
    assert record.sha256 == digest_of(key)
    assert record.scopes == ("talk", "observe")
    assert record.id == record.sha256[:12]


def test_what_is_written_is_read() -> None:
    """Each key as it was; blank lines count for nothing."""
    records = tuple(
        new_key(("admin",), NOW, name=name, expires=expires)[1]
        for name, expires in (("", None), ("博物馆", NOW + timedelta(hours=1)))
    )
    assert parse_keys(format_keys(records) + b"\n\n", "keys") == records


def test_a_key_expires() -> None:
    """At the second that it was made for; one without an end never does."""
    _, record = new_key(("talk",), NOW, expires=NOW + timedelta(minutes=1))
    assert not record.expired(NOW.timestamp() + 59)
    assert record.expired(NOW.timestamp() + 60)
    assert not new_key(("talk",), NOW)[1].expired(NOW.timestamp() + 1e9)


@pytest.mark.parametrize(("text", "words"), [
    ("{", "keys.jsonl:2: this line is no key: leave in the file what `voxint keys new` writes, one a line"),
    ("persimmon", "keys.jsonl:2: this line is no key: leave in the file what `voxint keys new` writes, one a line"),
    ('"\xff"', "keys.jsonl:2: this line is no key: leave in the file what `voxint keys new` writes, one a line"),
    (LINE.replace("talk", "persimmon"), "$.scopes is wrong in this key"),
    (LINE.replace('["talk"]', "[]"), "$.scopes is wrong in this key"),
    (LINE.replace(DIGEST, "persimmon"), "$.sha256 is wrong in this key"),
    (LINE.replace("00Z", "00"), "$.created is wrong in this key"),
    (LINE.replace("{", '{"key":"persimmon",'), "keys.jsonl:2: this line is no key"),
    (LINE.replace("{", '{"name":"\\u001b]52;persimmon",'), "keys.jsonl:2: the name must have at most"),
    (LINE.replace("{", '{"name":"\\u202epersimmon",'), "keys.jsonl:2: the name must have at most"),
    (LINE + LINE, "keys.jsonl:3: this key stands above already: leave it there once"),
])  # fmt: skip
def test_a_line_that_is_no_key_is_told_by_its_number(text: str, words: str) -> None:
    """And nothing of it is quoted: somebody may have put the key itself there."""
    with pytest.raises(ConfigError) as caught:
        parse_keys(b"\n" + text.encode("latin-1"), "keys.jsonl")
    assert words in str(caught.value)
    assert "persimmon" not in str(caught.value)


@pytest.mark.parametrize("name", ["a" * 65, "a\nb", "\x1b[31m", "\u202e"])
def test_a_name_can_be_printed(name: str) -> None:
    """`list` shows it on a terminal."""
    with pytest.raises(ConfigError, match="printable"):
        new_key(("talk",), NOW, name=name)


def test_a_key_is_found_by_the_beginning_of_its_digest() -> None:
    """In either case; all that begin so."""
    one, two = (KeyRecord(digest * 32, ("talk",), NOW) for digest in ("ab", "ac"))
    assert find_records((one, two), "AB") == [one]
    assert find_records((one, two), "a") == [one, two]
    assert find_records((one, two), "b") == []
