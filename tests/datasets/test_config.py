"""YAML with sources beside the numbers, and messages that name what is wrong."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from datasets.config import ConfigError, build, choose, nearest, read_yaml, split_sources


@dataclass(frozen=True, kw_only=True)
class Wheel:
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    radius: float
    spokes: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Cart:
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    left: Wheel
    right: Wheel


@pytest.mark.parametrize(
    ("tree", "bare", "sources"),
    [
        pytest.param({"a": 1}, {"a": 1}, {"a": ""}, id="none"),
        pytest.param({"source": "s", "a": 1}, {"a": 1}, {"a": "s"}, id="beside"),
        pytest.param({"source": "s", "a": {"b": 2.5}}, {"a": {"b": 2.5}}, {"a.b": "s"}, id="inherited"),
        pytest.param(
            {"source": "s", "a": {"source": "t", "b": 2}, "c": 3},
            {"a": {"b": 2}, "c": 3},
            {"a.b": "t", "c": "s"},
            id="nearest-wins-and-does-not-leak",
        ),
        pytest.param({"a": {"value": 4, "source": "t"}}, {"a": 4}, {"a": "t"}, id="pair"),
        pytest.param({"source": "s", "a": {"value": 4}}, {"a": 4}, {"a": "s"}, id="pair-inherits"),
        pytest.param(
            {"a": {"value": [1, 2], "source": "t"}}, {"a": [1, 2]}, {"a[0]": "t", "a[1]": "t"}, id="pair-list"
        ),
        pytest.param(
            {"a": [{"b": 1}, {"b": {"value": 2, "source": "t"}}], "source": "s"},
            {"a": [{"b": 1}, {"b": 2}]},
            {"a[0].b": "s", "a[1].b": "t"},
            id="list-of-mappings",
        ),
        pytest.param(
            {"a": {"value": 1, "unit": "mm"}},
            {"a": {"value": 1, "unit": "mm"}},
            {"a.value": "", "a.unit": None},
            id="not-a-pair",
        ),
        pytest.param({"a": True, "b": "x", "c": None}, {"a": True, "b": "x", "c": None}, {}, id="no-numbers"),
    ],
)
def test_split_sources(tree: object, bare: object, sources: dict[str, str | None]) -> None:
    expected = {path: source for path, source in sources.items() if source is not None}
    assert split_sources(tree) == (bare, expected)


@pytest.mark.parametrize("source", [None, "", "  "], ids=["null", "empty", "blank"])
def test_empty_source_is_no_source(source: str | None) -> None:
    _, sources = split_sources({"source": source, "a": 1.0})
    assert not sources["a"].strip()


def test_build_returns_the_dataclass() -> None:
    built = build(Cart, {"left": {"radius": 1, "spokes": [1, 2]}, "right": {"radius": 2.5}}, "cart.yaml")
    assert built == Cart(left=Wheel(radius=1.0, spokes=(1, 2)), right=Wheel(radius=2.5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"raduis": 1}, r"cart\.yaml: left\.raduis: .*got 1\)", id="unknown-key"),
        pytest.param({"radius": "long"}, r"cart\.yaml: left\.radius: .*got 'long'\)", id="wrong-type"),
        pytest.param({"spokes": [1, "x"]}, r"cart\.yaml: left\.spokes\.1: ", id="in-a-list"),
    ],
)
def test_build_names_the_offending_key(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        build(Cart, {"left": {"radius": 1, **change}, "right": {"radius": 1}}, "cart.yaml")
    assert "\n" not in str(caught.value)
    assert "right" not in str(caught.value)


def test_build_names_a_missing_key() -> None:
    with pytest.raises(ConfigError, match=r"cart\.yaml: right: .*required"):
        build(Cart, {"left": {"radius": 1}}, "cart.yaml")


def test_build_shortens_long_values_and_lists() -> None:
    tree = {"left": {"radius": "x" * 500, **{f"k{i}": 0 for i in range(9)}}, "right": {"radius": 1}}
    with pytest.raises(ConfigError, match=r"; \.\.\.$") as caught:
        build(Cart, tree, "cart.yaml")
    assert "x" * 70 not in str(caught.value)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "shelf"
    folder.mkdir()
    for name in ("alpha", "gamma_ray"):
        (folder / f"{name}.yaml").write_text("a: 1\n")
    return folder


def test_choose_finds_a_name_and_a_path(shelf: Path, tmp_path: Path) -> None:
    own = tmp_path / "alpha.yaml"
    own.write_text("a: 2\n")
    assert choose(shelf, "alpha", "setup") == shelf / "alpha.yaml"
    assert choose(shelf, str(own), "setup") == own


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("alhpa", r"unknown setup 'alhpa'; did you mean 'alpha'\? Known: alpha", id="typo"),
        pytest.param("gamma", r"did you mean 'gamma_ray'\?", id="half-a-name"),
        pytest.param("zzzzz", r"unknown setup 'zzzzz'[;.] Known: alpha, gamma_ray", id="nothing-near"),
        pytest.param("here/alpha.yaml", r"setup file here/alpha\.yaml is not there", id="no-such-path"),
    ],
)
def test_choose_refuses(shelf: Path, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        choose(shelf, name, "setup")
    if name == "zzzzz":
        assert "did you mean" not in str(caught.value)


def test_nearest_says_nothing_where_nothing_is_near() -> None:
    assert nearest("hcal_quite", ["ecal", "hcal_quiet"]) == "; did you mean 'hcal_quiet'?"
    assert nearest("xyz", ["ecal", "hcal_quiet"]) == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"a: [1, 2\nb: }\n", r"bad\.yaml is not valid YAML: .*line 2", id="syntax"),
        pytest.param(b"a: \t- 1\n\tb: 2\n", r"bad\.yaml is not valid YAML: .*line", id="tab"),
        pytest.param(b"a: \xff\xfe\n", r"cannot read .*bad\.yaml", id="not-utf8"),
        pytest.param(None, r"cannot read .*bad\.yaml", id="absent"),
    ],
)
def test_unreadable_yaml_is_one_paragraph(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "bad.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"(?s){message}") as caught:
        read_yaml(path)
    assert "\n" not in str(caught.value)
