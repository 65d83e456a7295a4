"""A complete set of small tables, and how to write one's own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from datasets.conditions.channels import names_of
from recon.geometry import Setup

HEADS = {
    "gains": ("label,gain", "0.5"),
    "times": ("label,time_offset", "150"),
    "pedestals": ("label,pedestal_even,pedestal_odd,noise", "50 51 1"),
    "alignment": ("plane,dx,dy,dz,rotation", "0 0 0 0"),
    "bad_channels": ("label,is_bad", ""),
    "bad_spills": ("spill,is_bad", ""),
}


@pytest.fixture
def write_table(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of a table: write(text, name="mine.txt")."""

    def write_text(text: str, name: str = "mine.txt") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write_text


@pytest.fixture
def complete(setup: Setup, write_table: Callable[..., Path]) -> Path:
    """Return a folder with tables of the small setup that hold for runs 1 to 10."""
    names = names_of(setup)
    for table, (columns, values) in HEADS.items():
        keys = names.planes if table == "alignment" else names.labels
        rows = "".join(f"{key} {values}\n" for key in keys) if values else ""
        text = f"table={table}\nsetup=small\nruns=1-10\ncolumns={columns}\n{rows}"
        path = write_table(text, f"complete/{table}.txt")
    return path.parent
