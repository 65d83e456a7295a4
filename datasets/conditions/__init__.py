"""Conditions: what was measured or decided for a run, in tables that hold for ranges of runs."""

from datasets.conditions.ideal import ideal_conditions, write_conditions
from datasets.conditions.load import (
    ConditionError,
    build_conditions,
    load_alignment,
    load_conditions,
    read_tables,
)
from datasets.conditions.model import Alignment, CellConditions, Conditions, Suppression, digest_of_all
from datasets.conditions.sdc import SdcError

__all__ = [
    "Alignment",
    "CellConditions",
    "ConditionError",
    "Conditions",
    "SdcError",
    "Suppression",
    "build_conditions",
    "digest_of_all",
    "ideal_conditions",
    "load_alignment",
    "load_conditions",
    "read_tables",
    "write_conditions",
]
