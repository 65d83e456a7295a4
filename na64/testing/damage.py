"""Damage to ROOT files, as disks, networks and programs do it, and some that only malice would."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import uproot

__all__ = ["DAMAGES", "Anatomy", "anatomy_of", "damage"]

_ABSURD = (-1, 0, 1, 2**31 - 1, 2**30, -(2**31), 10**9, 4_294_967)


class Anatomy(NamedTuple):
    """Where what lies in an intact file."""

    content: bytes
    entries: int
    names: tuple[str, ...]  # of branches
    baskets: tuple[tuple[int, int], ...]  # first byte and length of each basket or page
    envelopes: tuple[tuple[int, int], ...]  # of what an RNTuple protects by checksums, those included

    @property
    def head(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the places of all bytes outside of the baskets."""
        inside = np.zeros(len(self.content), dtype=bool)
        for seek, size in self.baskets:
            inside[seek : seek + size] = True
        return np.flatnonzero(~inside)


def anatomy_of(path: Path, tree: str) -> Anatomy:
    """Look into an intact file."""
    with uproot.open(path) as file:
        found = file[tree]
        content = path.read_bytes()
        if isinstance(found, uproot.TTree):
            baskets = [
                (int(seek), int(size))
                for branch in found.branches
                for seek, size in zip(
                    branch.member("fBasketSeek"), branch.member("fBasketBytes"), strict=True
                )
                if seek > 0
            ]
            names = tuple(branch.name for branch in found.branches)
            return Anatomy(content, int(found.num_entries), names, tuple(baskets), ())
        pages = [
            (int(page.locator.offset), int(page.locator.num_bytes))
            for cluster in found.page_link_list
            for column in cluster
            for page in column.pages
        ]
        names = tuple(field.name for field in found.fields)
        return Anatomy(content, int(found.num_entries), names, tuple(pages), _envelopes(found))


def _envelopes(tree: Any) -> tuple[tuple[int, int], ...]:
    header = int(tree.member("fSeekHeader")), int(tree.member("fNBytesHeader"))
    footer = int(tree.member("fSeekFooter")), int(tree.member("fNBytesFooter"))
    lists = [
        (int(group.page_list_link.locator.offset), int(group.page_list_link.locator.num_bytes))
        for group in tree.footer.cluster_group_records
    ]
    return (header, footer, *lists)


def damage(anatomy: Anatomy, kind: str, rng: np.random.Generator) -> bytes:
    """
    Damage a file.

    Parameters
    ----------
    anatomy : Anatomy
    kind : str
        Of `DAMAGES`.
    rng : numpy.random.Generator

    Returns
    -------
    bytes
        Never the content of the intact file.
    """
    for _ in range(100):
        content = bytearray(anatomy.content)
        DAMAGES[kind](anatomy, content, rng)
        if content != anatomy.content:
            return bytes(content)
    msg = f"damage '{kind}' changes nothing in such a file"
    raise ValueError(msg)


def _place(anatomy: Anatomy, rng: np.random.Generator) -> int:
    """Return a place, as often outside of the baskets as anywhere."""
    head = anatomy.head
    if len(head) and rng.random() < 0.7:
        return int(rng.choice(head))
    return int(rng.integers(len(anatomy.content)))


def _flip(anatomy: Anatomy, content: bytearray, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 9))):
        content[_place(anatomy, rng)] ^= 1 << int(rng.integers(8))


def _cut(_: Anatomy, content: bytearray, rng: np.random.Generator) -> None:
    """Truncate; half the time the header is made to say the new length."""
    del content[int(len(content) * rng.random() ** 0.5) :]
    if rng.random() < 0.5 and len(content) > 16:
        struct.pack_into(">i", content, 12, len(content))


def _overwrite(anatomy: Anatomy, content: bytearray, rng: np.random.Generator) -> None:
    """Replace a block by zeros or noise."""
    start, size = _place(anatomy, rng), int(rng.choice([16, 64, 512, 4096]))
    size = min(size, len(content) - start)
    content[start : start + size] = bytes(size) if rng.random() < 0.5 else rng.bytes(size)


def _swap(anatomy: Anatomy, content: bytearray, rng: np.random.Generator) -> None:
    """Exchange two baskets, or copy one over another."""
    one, two = (anatomy.baskets[int(i)] for i in rng.choice(len(anatomy.baskets), 2, replace=False))
    size = min(one[1], two[1])
    first, second = content[one[0] : one[0] + size], content[two[0] : two[0] + size]
    content[two[0] : two[0] + size] = first
    if rng.random() < 0.7:
        content[one[0] : one[0] + size] = second


def _absurd(anatomy: Anatomy, content: bytearray, rng: np.random.Generator) -> None:
    """Write an absurd number over a count, a length or whatever stands there; mend checksums over it."""
    value = int(rng.choice(_ABSURD))
    if anatomy.envelopes and rng.random() < 0.7:
        start, size = anatomy.envelopes[int(rng.integers(len(anatomy.envelopes)))]
        place = start + int(rng.integers(8, max(9, size - 12)))
        content[place : place + 4] = struct.pack("<i", value)
        _mend(content, start, size)
        return
    known = _places_of(anatomy, int(rng.choice([anatomy.entries, *(size for _, size in anatomy.baskets)])))
    keys = [
        seek + offset for seek, _ in anatomy.baskets for offset in (0, 6, 14)
    ]  # fNbytes, fObjlen, fKeylen
    chosen = known if len(known) and rng.random() < 0.5 else np.array(keys)
    place = int(rng.choice(chosen)) if rng.random() < 0.8 else min(_place(anatomy, rng), len(content) - 4)
    content[place : place + 4] = struct.pack(">i", value)


def _places_of(anatomy: Anatomy, number: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return where a number stands outside of the baskets, as ROOT writes it."""
    pattern, found, start = struct.pack(">i", number), [], 0
    while (start := anatomy.content.find(pattern, start)) >= 0:
        found.append(start)
        start += 1
    return np.intersect1d(np.array(found, dtype=np.int64), anatomy.head)


def _mend(content: bytearray, start: int, size: int) -> None:
    """Make the checksum of an envelope fit what it holds now."""
    import xxhash

    body = bytes(content[start : start + size - 8])
    struct.pack_into("<Q", content, start + size - 8, xxhash.xxh3_64_intdigest(body))


def _rename(anatomy: Anatomy, content: bytearray, rng: np.random.Generator) -> None:
    """Give a branch the name of another one, or a new one, of the same length."""
    old = str(rng.choice(anatomy.names))
    others = [name for name in anatomy.names if len(name) == len(old) and name != old]
    new = str(rng.choice(others)) if others and rng.random() < 0.5 else old[:-1] + "_"
    pattern = bytes([len(old)]) + old.encode()  # as ROOT writes a text; an RNTuple has four bytes of length
    if pattern not in content:
        pattern = struct.pack("<I", len(old)) + old.encode()
    content[:] = content.replace(pattern, pattern[: -len(old)] + new.encode())
    for envelope in anatomy.envelopes:
        _mend(content, *envelope)


DAMAGES: dict[str, Callable[[Anatomy, bytearray, np.random.Generator], None]] = {
    "bit flips": _flip,
    "truncation": _cut,
    "overwritten block": _overwrite,
    "swapped baskets": _swap,
    "absurd count": _absurd,
    "renamed branch": _rename,
}
