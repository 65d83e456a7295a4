"""Numbers in headers that cannot be."""

import struct
from pathlib import Path

import numpy as np
import pytest
import uproot
import xxhash

from datasets.trees import UnreadableError, read_trees

_ENTRIES = 4711  # a number that stands nowhere else


def put(path: Path, old: bytes, new: bytes) -> int:
    """Replace the first place of some bytes; return where that is."""
    content = path.read_bytes()
    place = content.index(old)
    path.write_bytes(content[:place] + new + content[place + len(old) :])
    return place


@pytest.mark.parametrize("entries", [0, 4000, 4712, 1 << 60])
def test_tree_of_other_entries_than_its_branches(tmp_path: Path, entries: int) -> None:
    path = tmp_path / "file.root"
    with uproot.recreate(path, compression=None) as file:
        file.mktree("tree", {"x": np.float32}).extend({"x": np.zeros(_ENTRIES, dtype=np.float32)})
    assert read_trees(str(path))[0][0].entries == _ENTRIES
    put(path, struct.pack(">q", _ENTRIES), struct.pack(">q", entries))
    with pytest.raises(UnreadableError, match=f"has {entries} entries by its own word, and 4711 in its"):
        read_trees(str(path))


def test_page_with_more_elements_than_can_be_in_it(tmp_path: Path) -> None:
    path = tmp_path / "file.root"
    with uproot.recreate(path, compression=None) as file:
        file.mkrntuple("tree", {"x": np.zeros(_ENTRIES, dtype=np.float32)})
    with uproot.open(path) as file:
        tree = file["tree"]
        (pages,) = tree.page_link_list[0]
        (group,) = tree.footer.cluster_group_records
        start, size = (int(getattr(group.page_list_link.locator, name)) for name in ("offset", "num_bytes"))
        length, offset = pages.pages[0].locator.num_bytes, pages.pages[0].locator.offset
    at = path.read_bytes().index(struct.pack("<iiQ", _ENTRIES, length, offset), start)
    content = bytearray(path.read_bytes())
    struct.pack_into("<i", content, at, 1 << 30)
    struct.pack_into(
        "<Q", content, start + size - 8, xxhash.xxh3_64_intdigest(content[start : start + size - 8])
    )
    path.write_bytes(content)
    with pytest.raises(
        UnreadableError, match="a page of column 0 of 'tree' has 1073741824 elements in 18844"
    ):
        read_trees(str(path))
