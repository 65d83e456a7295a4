"""Columns that are made when somebody asks for them."""

import numpy as np
import pytest

from processors.later import LazyColumns, put_off


def test_columns_are_made_once_and_only_when_asked_for() -> None:
    calls = []

    def make() -> dict[str, np.ndarray]:
        calls.append(1)
        return {"b": np.array([2.0]), "c": np.array([3.0])}

    columns = LazyColumns({"a": np.array([1.0]), **put_off(("b", "c"), make), "d": np.array([4.0])})
    assert list(columns) == ["a", "b", "c", "d"]
    assert "b" in columns
    assert "e" not in columns
    assert columns["a"] == 1.0
    assert not calls
    assert (columns["c"], columns["b"]) == (3.0, 2.0)
    assert columns["b"] is columns["b"]
    assert len(calls) == 1
    with pytest.raises(KeyError, match="e"):
        columns["e"]
