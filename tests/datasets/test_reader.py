"""Reading fields: what may be said where it fails."""

from typing import Any

import awkward as ak
import numpy as np
import pytest

from datasets.reader import EventReader, ReadError


class Events:
    """Events with one field, which does what a test wants."""

    fields = ("x",)
    metadata = {"timeout": 0.05}  # noqa: RUF012

    def __init__(self, read: Any) -> None:
        self._read = read

    def __len__(self) -> int:
        return 2

    def __getitem__(self, name: str) -> Any:
        return self._read()


def endless() -> None:
    while True:
        pass


def fail() -> None:
    raise ValueError(f"cannot reshape array of size {4711} into shape (3,)")  # noqa: EM102


def test_reading_that_does_not_end() -> None:
    with pytest.raises(ReadError, match=r"cannot read 'x': reading was not done within 0.05 s"):
        EventReader(Events(endless)).field("x")  # type: ignore[arg-type]


def test_numbers_of_an_error_are_not_told() -> None:
    with pytest.raises(ReadError, match=r"^cannot read 'x': ValueError in test_reader.py$"):
        EventReader(Events(fail)).field("x")  # type: ignore[arg-type]


@pytest.mark.parametrize("offsets", [[0, 3, 1], [0, 1, 9], [-2, 0, 1]], ids=["falling", "beyond", "before"])
def test_lists_that_cannot_be(offsets: list[int]) -> None:
    content = ak.contents.NumpyArray(np.arange(3.0))
    lists = ak.contents.ListOffsetArray(ak.index.Index64(np.array(offsets)), content)
    with pytest.raises(ReadError, match="'x': its lists have impossible lengths"):
        EventReader(Events(lambda: ak.Array(lists))).field("x")  # type: ignore[arg-type]
