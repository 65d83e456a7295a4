"""The clusters that a user can name: this machine, those that come with the project, and one's own."""

from __future__ import annotations

import os
import re
from pathlib import Path

from datasets.config import ConfigError, build, nearest, read_yaml
from processors.cluster_profiles import AddressProfile, LxplusProfile, Profile, SlurmProfile

__all__ = ["LOCAL", "find_profile", "load_profiles", "profiles_file"]

LOCAL = "local"
_SHIPPED: dict[str, Profile] = {"slurm": SlurmProfile(), "lxplus": LxplusProfile()}
_KINDS: dict[str, type[Profile]] = {"slurm": SlurmProfile, "lxplus": LxplusProfile, "address": AddressProfile}
_ADDRESS = re.compile(r"^([a-z]+://.+|[\w.-]+:\d+)$")
_NAME = re.compile(r"^\w[\w.-]*$")


def profiles_file() -> Path:
    """Return where a user's own profiles are looked for."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "na64" / "clusters.yaml"


def load_profiles() -> dict[str, Profile]:
    """
    Return all profiles by name; one's own come instead of shipped ones of the same name.

    Raises
    ------
    ConfigError
        Naming file, profile and key that is wrong.
    """
    path = profiles_file()
    if not path.exists():
        return dict(_SHIPPED)
    tree = read_yaml(path)
    if not isinstance(tree, dict):
        msg = f"{path}: a mapping from the names of clusters to their settings is expected (docs/clusters.md)"
        raise ConfigError(msg)
    return _SHIPPED | {str(name): _profile(str(name), settings, path) for name, settings in tree.items()}


def _profile(name: str, settings: object, path: Path) -> Profile:
    """Validate one profile."""
    where = f"{path}: cluster '{name}'"
    if name == LOCAL or not _NAME.match(name):
        msg = f"{where}: '{LOCAL}' is this machine, and a name has letters, digits, '_', '-' and '.' only"
        raise ConfigError(msg)
    if not isinstance(settings, dict):
        msg = f"{where}: settings are expected, as 'kind: slurm' (docs/clusters.md)"
        raise ConfigError(msg)
    kind = settings.get("kind", name if name in _KINDS else None)
    if kind not in _KINDS:
        msg = f"{where}: kind is {kind!r}{nearest(str(kind), _KINDS) or '.'} Kinds: {', '.join(_KINDS)}"
        raise ConfigError(msg)
    return build(_KINDS[kind], {"kind": kind, **settings}, where)


def find_profile(name: str) -> Profile | None:
    """
    Return the profile that a user names, or whose scheduler's address is given; None for this machine.

    Raises
    ------
    ConfigError
        If there is no such cluster.
    """
    if name == LOCAL:
        return None
    if _ADDRESS.match(name):
        return AddressProfile(address=name)
    profiles = load_profiles()
    if name not in profiles:
        names = (LOCAL, *profiles)
        msg = (
            f"unknown cluster '{name}'{nearest(name, names) or '.'} Clusters: {', '.join(names)}, the "
            f"address of a Dask scheduler (tcp://HOST:PORT), or yours in {profiles_file()} (docs/clusters.md)"
        )
        raise ConfigError(msg)
    return profiles[name]
