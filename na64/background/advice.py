"""What to do where nothing of the data is left to estimate a background from."""

from __future__ import annotations

from collections.abc import Mapping

from na64.run.stored import StoredRun
from selections.background.config import BackgroundConfig
from selections.background.sources import Benchmark

__all__ = ["advice"]


def advice(
    config: BackgroundConfig, data: StoredRun, events: Mapping[str, int], measured: Benchmark | None
) -> list[str]:
    """
    Return what to do, a sentence for each band or region that is empty.

    Parameters
    ----------
    config : BackgroundConfig
    data : StoredRun
    events : mapping
        Side band -> events of the data in its fit.
    measured : Benchmark or None
    """
    shown = sum(dataset["cuts"][1]["in_order"] for dataset in data.datasets.values() if dataset["cuts"][1:])
    if not shown:
        return [
            f'no event of {data.path} is shown, so there is nothing to estimate from: "notes" in its '
            f'run.json and row "shown" of its cutflow.txt may say why (a run outside of its period, no tag)'
        ]
    found = [_of_band(config, name, shown, data) for name, n in events.items() if not n]
    if measured is not None and config.benchmark is not None and not measured.observed:
        found.append(
            f"{config.benchmark.region}: none of {shown} shown events of {data.path}, where "
            f"{measured.predicted:.3g} dimuons were expected: check --eot, or give more data"
        )
    return found


def _of_band(config: BackgroundConfig, name: str, shown: int, data: StoredRun) -> str:
    low, high = config.side_bands[name].fit.fit
    return (
        f"{name}: none of {shown} shown events of {data.path} is left from {low:g} to {high:g} GeV after all "
        f"cuts, so that only an upper end is known. Give more data; if {data.path / 'cutflow.txt'} shows one "
        f"cut that takes them all, run data and simulation again with another threshold of it (--set)"
    )
