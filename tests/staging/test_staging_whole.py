"""A table that is read in blocks is the table that is read at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from omopify.staging import ReadOptions, whole
from omopify.staging.inputs import Input
from omopify.staging.whole import Whole, read_whole

_CELLS = ["plain", '"with, comma"', '"two\nlines"', '"a ""quote"""', "æøå", "", " blank ", "\x1fcontrol", "☃"]


def _read(path: Path, scratch: Path) -> Whole:
    return read_whole(Input(path, path.name, "csv"), None, ReadOptions(header_row=2, label_row=1), scratch)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("block", [40, 97, 1000])
def test_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: bytes, end: str, block: int) -> None:
    rows = [f"{n},{_CELLS[n % 9]},{_CELLS[n * 5 % 9]}" for n in range(200)]
    rows[50], rows[120] = ",,", "7,short"
    path = tmp_path / "lab.csv"
    path.write_bytes(mark + end.join(["Number,One,Two", "N,A,B", *rows, ""]).encode())
    at_once = _read(path, tmp_path)

    monkeypatch.setattr(whole, "LARGE", 0)
    monkeypatch.setattr(whole, "_BLOCK", block)
    pieces = tmp_path / "pieces"
    pieces.mkdir()
    in_blocks = _read(path, pieces)

    assert len(list(pieces.iterdir())) > 2
    assert in_blocks.take([0, 2]).equals(at_once.take([0, 2]))
    assert in_blocks.tail(2).equals(at_once.tail(2))
    assert (in_blocks.rows, in_blocks.empty_rows, in_blocks.short) == (199, 1, 1)
    assert (at_once.rows, at_once.empty_rows, at_once.short) == (199, 1, 1)
    assert in_blocks.head.names == ["N", "A", "B"] == at_once.head.names


@pytest.mark.parametrize(
    "data",
    [
        b'A,B\n1,x"y"\n2,"z\n3,4\n',  # a quote that only a careful reader can judge
        b"A,B\r1,2\r3,4\r",  # an old Macintosh
        "A,B\n1,æ\n".encode("cp1252") * 3,
        "A,B\n1,2\n".encode("utf-16"),
        b"sep=;\nA;B\n1;2\n",
    ],
)
def test_what_blocks_cannot_be_sure_of_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    path = tmp_path / "lab.csv"
    path.write_bytes(data)

    def outcome() -> list[object]:
        try:
            got = read_whole(Input(path, "lab.csv", "csv"), None, ReadOptions(), tmp_path)
        except whole.Unreadable as trouble:
            return [note.code for note in trouble.notes]
        return [got.rows, got.encoding, got.delimiter, got.take([0, 1]).to_dicts()]

    at_once = outcome()
    monkeypatch.setattr(whole, "LARGE", 0)
    monkeypatch.setattr(whole, "_BLOCK", 8)

    assert outcome() == at_once
