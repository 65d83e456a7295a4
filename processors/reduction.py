"""Add up the results of chunks as a tree: always the same sums, and few of them in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Node", "Tree"]


class Node(NamedTuple):
    """The sum over some neighbouring leaves."""

    out: Any  # None where all of them are lost
    is_whole: bool = True  # no leaf is lost


class Tree:
    """
    A binary tree over leaves that come in any order.

    Node ``i`` of a level is the sum of nodes ``2 i`` and ``2 i + 1`` of the level below, in this order, so
    that a rounded sum depends on neither the order of arrival nor on who computed what. Nodes wait for their
    sibling alone: with leaves coming nearly in order their number grows like the logarithm of that of leaves.

    Parameters
    ----------
    n_leaves : int
        Above 0.
    on_node : callable, optional
        Called with level, index and node as soon as a node is complete.
    """

    def __init__(self, n_leaves: int, on_node: Callable[[int, int, Node], None] | None = None) -> None:
        self.n_leaves = n_leaves
        self.root: Node | None = None
        self._on_node = on_node
        self._waiting: dict[tuple[int, int], Node] = {}

    @property
    def n_waiting(self) -> int:
        """Return how many sums are in memory."""
        return len(self._waiting)

    def width(self, level: int) -> int:
        """Return the number of nodes of a level."""
        return -(-self.n_leaves >> level) if self.n_leaves else 0

    @property
    def height(self) -> int:
        """Return the level of the root."""
        return (self.n_leaves - 1).bit_length()

    def leaves(self, level: int, index: int) -> range:
        """Return the leaves below a node."""
        return range(index << level, min(self.n_leaves, (index + 1) << level))

    def put(self, index: int, node: Node, level: int = 0, *, is_new: bool = True) -> None:
        """
        Add a node, and all sums that it completes.

        Parameters
        ----------
        index : int
            In its level.
        node : Node
        level : int
            0 is that of the leaves.
        is_new : bool
            False: ``on_node`` knows it already.
        """
        if is_new and self._on_node is not None:
            self._on_node(level, index, node)
        while level < self.height:
            sibling = index ^ 1
            if sibling < self.width(level):
                other = self._waiting.pop((level, sibling), None)
                if other is None:
                    self._waiting[level, index] = node
                    return
                node = _add(node, other) if index < sibling else _add(other, node)
                level, index = level + 1, index // 2
                if self._on_node is not None:
                    self._on_node(level, index, node)
            else:  # the last one of a level has no sibling: it goes up as it is
                level, index = level + 1, index // 2
        self.root = node


def _add(one: Node, two: Node) -> Node:
    out = two.out if one.out is None else one.out if two.out is None else one.out + two.out
    return Node(out, one.is_whole and two.is_whole)
