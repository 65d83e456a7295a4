"""Coffea NanoEvents with the names of a layout instead of those of the file."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from typing import Any, ClassVar

import awkward as ak
from coffea.nanoevents.schemas.base import BaseSchema, zip_forms

from datasets.config import build
from datasets.layouts import Branch, Layout, load_layout
from datasets.reader import raw_field
from recon.columns import COLUMNS

__all__ = ["LayoutSchema", "layout_of", "schema_for"]

Form = dict[str, Any]


class LayoutSchema(BaseSchema):  # type: ignore[misc]
    """Events as a layout describes them: quantities by name, collections zipped, the rest left out."""

    layout: ClassVar[Layout]
    text: ClassVar[str]  # the layout, as it travels with the events

    def __init__(self, base_form: Form, *args: Any, **kwargs: Any) -> None:
        super().__init__(base_form, *args, **kwargs)
        forms = dict(zip(self._form["fields"], self._form["contents"], strict=True))
        chosen = _choose(forms, self.layout)
        self._form["fields"], self._form["contents"] = list(chosen), list(chosen.values())
        self._form["parameters"]["layout"] = self.text


def _choose(forms: dict[str, Form], layout: Layout) -> dict[str, Form]:
    """Return the forms of all quantities, collections and branches of ``layout`` that the file has."""
    if layout.level == "columns":
        return {name: form for name, form in forms.items() if name in COLUMNS}
    chosen: dict[str, Form] = {}
    for name, fields in layout.collections.items():
        present = {key: forms[branch] for key, branch in fields.items() if branch in forms}
        if present:
            chosen[name] = zip_forms(present, name)
    for name, source in layout.sources():
        if isinstance(source, Branch):
            if source.branch in forms:
                chosen[name] = forms[source.branch]
        else:
            chosen |= _raw(forms, source.branches())
    if layout.hits is not None:
        chosen |= _raw(forms, layout.hits.branches())
    for branches in layout.digit_kinds().values():
        chosen |= _raw(forms, branches)
    return chosen


def _raw(forms: dict[str, Form], branches: tuple[str, ...]) -> dict[str, Form]:
    """Return branches under names that no quantity can have."""
    return {raw_field(branch): forms[branch] for branch in branches if branch in forms}


def schema_for(layout: str | Layout) -> type[LayoutSchema]:
    """
    Make the NanoEvents schema of a layout.

    Parameters
    ----------
    layout : str or Layout
        Name of a layout that comes with the project, path of a YAML file, or a layout.

    Returns
    -------
    type
        For `coffea.processor.Runner(schema=...)` or `NanoEventsFactory.from_root(schemaclass=...)`.

    Raises
    ------
    ConfigError
        If the layout is not known or its file is wrong.

    Examples
    --------
    >>> schema_for("p348reco").layout.tree
    'tree'
    """
    chosen = load_layout(layout) if isinstance(layout, str) else layout
    return type(
        f"{chosen.name}_schema",
        (LayoutSchema,),
        {"layout": chosen, "text": json.dumps(dataclasses.asdict(chosen))},
    )


@cache
def _parse(text: str) -> Layout:
    """Return the layout written by `LayoutSchema`."""
    return build(Layout, json.loads(text), "the layout of the events")


def layout_of(events: ak.Array) -> Layout:
    """
    Return the layout with which events were read.

    Raises
    ------
    TypeError
        If they were not read with a schema of ours.
    """
    text = ak.parameters(events).get("layout")
    if text is None:
        msg = "the events carry no layout; read them with schema=datasets.schema.schema_for(NAME)"
        raise TypeError(msg)
    return _parse(text)
