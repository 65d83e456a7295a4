"""Reference lateral profiles of electromagnetic showers: one YAML each, with its source."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from datasets.config import build, choose, read_yaml
from recon.geometry import ShowerProfile

__all__ = ["load_profile", "profile_names"]

_FOLDER = Path(__file__).parent


def profile_names() -> list[str]:
    """Return the names of the profiles that come with the project."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


@cache
def load_profile(name_or_path: str | Path) -> ShowerProfile:
    """
    Load a shower profile by its name or by the path of a YAML file.

    Parameters
    ----------
    name_or_path : str or Path
        One of `profile_names`, or a path that ends in `.yaml`.

    Returns
    -------
    ShowerProfile

    Raises
    ------
    ConfigError
        If the name is not known (the message lists those that are, and the nearest), or a key is missing, not
        known or out of its range.
    """
    path = choose(_FOLDER, str(name_or_path), "shower profile")
    return build(ShowerProfile, read_yaml(path), f"shower profile file {path.name}")
