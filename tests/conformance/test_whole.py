"""A file is there whole or not at all."""

from pathlib import Path

import pytest

from conformance import whole


def test_a_file_takes_the_place_of_another_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    for text in (b"one", b"two"):
        whole.put(tmp_path / "report.json", text)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("report.json", b"two")]


def test_what_was_there_outlives_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    whole.put(path, b"one")
    (tmp_path / ".report.json.partial").mkdir()
    with pytest.raises(OSError, match="partial"):
        whole.put(path, b"two")
    assert path.read_bytes() == b"one"
