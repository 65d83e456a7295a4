"""Sums over chunks are the same whatever the order in which they come, and few are in memory."""

import numpy as np
import pytest

from processors.reduction import Node, Tree


def add_up(values: list[object], order: list[int]) -> tuple[Node | None, int]:
    tree, most = Tree(len(values)), 0
    for index in order:
        tree.put(index, Node(values[index]))
        most = max(most, tree.n_waiting)
    return tree.root, most


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 13, 64, 65])
def test_leaves_keep_their_places(n: int) -> None:
    """Tuples join in order; a tree that swaps or drops one would show it."""
    values = [(i,) for i in range(n)]
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(n).tolist()
        root, _ = add_up(values, order)
        assert root == Node(tuple(range(n)))


def test_rounded_sums_are_equal_to_the_last_bit() -> None:
    rng = np.random.default_rng(3)
    values = [float(x) for x in rng.normal(size=1000) * 10.0 ** rng.uniform(-8, 8, 1000)]
    orders = [rng.permutation(1000).tolist() for _ in range(5)]
    plain = {sum(values[i] for i in order) for order in orders}
    assert len(plain) > 1  # plain sums do depend on the order
    assert len({add_up(values, order)[0] for order in orders}) == 1


@pytest.mark.parametrize("n", [100, 10_000])
def test_few_sums_wait(n: int) -> None:
    """Chunks come nearly in order, as many ahead as are under way."""
    rng, under_way = np.random.default_rng(1), 8
    order = np.argsort(np.arange(n) + rng.uniform(0, under_way, n)).tolist()
    root, most = add_up([1] * n, order)
    assert root == Node(n)
    assert most <= np.log2(n) + under_way


def test_lost_leaves_leave_a_mark() -> None:
    tree, seen = Tree(5), {}
    tree._on_node = lambda level, index, node: seen.update({(level, index): node})
    for index in (4, 2, 0, 3, 1):
        tree.put(index, Node(None, is_whole=False) if index == 2 else Node(1))
    assert tree.root == Node(4, is_whole=False)
    assert {at: node.is_whole for at, node in seen.items() if at[0]} == {
        (1, 0): True,
        (1, 1): False,
        (2, 0): False,
        (3, 0): False,
    }


def test_a_kept_sum_stands_for_its_leaves() -> None:
    tree = Tree(6)
    tree.put(1, Node((4, 5)), level=2, is_new=False)  # leaves 4 and 5
    for index in (3, 0, 1, 2):
        tree.put(index, Node((index,)))
    assert tree.root == Node((0, 1, 2, 3, 4, 5))
    assert list(tree.leaves(2, 1)) == [4, 5]
