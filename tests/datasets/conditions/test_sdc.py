"""The text format of tables: what is read from hand-made texts, and that nothing is lost on the way back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.conditions.runs import RunRange
from datasets.conditions.sdc import Block, Document, Row, SdcError, format_sdc, parse_sdc, read_sdc, write_sdc

PATH = Path("table.txt")
DESCRIBED = """\
# comment
runs=3855-4207            # validity of what follows
columns=label,background,scale
ECAL0-2-3    10   1.01
ECAL0-2-4    20   0.85

runs=4000
columns=label,scale
ECAL0-2-3    0.99          # a later block overrides only the columns that it names
"""


def block(runs: str, columns: str, *rows: str) -> Block:
    names = tuple(columns.split(","))
    return Block(RunRange.parse(runs), names, tuple(Row(tuple(row.split())) for row in rows))


def parse(text: str) -> Document:
    return parse_sdc(text, PATH)


def test_example_of_the_format() -> None:
    document = parse(DESCRIBED)
    assert document.blocks == (
        block("3855-4207", "label,background,scale", "ECAL0-2-3 10 1.01", "ECAL0-2-4 20 0.85"),
        block("4000", "label,scale", "ECAL0-2-3 0.99"),
    )
    assert document.metadata == {}
    assert [b.line for b in document.blocks] == [2, 7]
    assert [row.line for b in document.blocks for row in b.rows] == [4, 5, 9]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        pytest.param("", (), id="empty"),
        pytest.param("# only a comment\n", (), id="comment"),
        pytest.param("runs=5\n", (), id="no-columns"),
        pytest.param("runs=1-5\ncolumns=a\n", (block("1-5", "a"),), id="block-without-rows"),
        pytest.param("columns=a\nruns=1\nx\n", (block("1", "a", "x"),), id="columns-first"),
        pytest.param(
            "runs=1\ncolumns=a,b\nx 1\nruns=2\ny 2\n",
            (block("1", "a,b", "x 1"), block("2", "a,b", "y 2")),
            id="columns-hold-until-changed",
        ),
        pytest.param(
            "runs=1\ncolumns=a,b\nx 1\ncolumns=a,c\nx 2\n",
            (block("1", "a,b", "x 1"), block("1", "a,c", "x 2")),
            id="runs-hold-until-changed",
        ),
        pytest.param(
            "runs=1\ncolumns=a\nx\nruns=2\ncolumns=b\ny\n",
            (block("1", "a", "x"), block("2", "b", "y")),
            id="no-empty-block-between",
        ),
        pytest.param(
            "runs=1\ncolumns=a\ncolumns=b\ny\n", (block("1", "a"), block("1", "b", "y")), id="both-named"
        ),
        pytest.param(
            " runs = 1-1\n columns = a , b \n\tx\t1  \r\n",
            (block("1", "a,b", "x 1"),),
            id="blanks",
        ),
    ],
)
def test_blocks(text: str, blocks: tuple[Block, ...]) -> None:
    assert tuple(parse(text).blocks) == tuple(
        Block(RunRange(b.runs.first, b.runs.last), b.columns, b.rows) for b in blocks
    )


def test_metadata_hold_for_the_file() -> None:
    document = parse("table=gains\nruns=1\ncolumns=a\nx\nsource = PRL 123 (2019), table 1 # read there\n")
    assert document.metadata == {"table": "gains", "source": "PRL 123 (2019), table 1"}
    assert document.lines == {"table": 1, "source": 5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("runs=1-\n", r"line 1: runs=1-: .*write 5, 1-10 or 123-\.\.\.", id="range"),
        pytest.param("\nruns=9-1\n", r"line 2: runs=9-1: .*must rise", id="falling"),
        pytest.param("run=5\n", r"line 1: unknown key 'run'; did you mean 'runs'\?", id="run"),
        pytest.param("Runs=5\n", r"did you mean 'runs'\?", id="case"),
        pytest.param("colums=a\n", r"did you mean 'columns'\?", id="columns-misspelt"),
        pytest.param("columns=a,,b\n", r"line 1: columns=a,,b: '' is no name", id="empty-name"),
        pytest.param("columns=a b\n", r"'a b' is no name of a column", id="no-comma"),
        pytest.param("columns=a,a\n", r"a column stands twice", id="column-twice"),
        pytest.param("x 1\n", r"line 1: a row stands before any 'runs=RANGE'", id="row-first"),
        pytest.param("runs=1\nx 1\n", r"line 2: a row stands before any 'columns=", id="no-columns"),
        pytest.param(
            "runs=1\ncolumns=a,b\nx 1\ny\n", r"line 4: expected 2 values \(a, b\), got 1: 'y'", id="too-few"
        ),
        pytest.param("runs=1\ncolumns=a\nx 1\n", r"line 3: expected 1 values \(a\), got 2", id="too-many"),
        pytest.param("unit=a\nunit=b\n", r"line 2: 'unit' stands in line 1 already", id="metadata-twice"),
        pytest.param("source=  # none\n", r"line 1: 'source=' has no value", id="no-value"),
    ],
)
def test_wrong_line_is_named(text: str, message: str) -> None:
    with pytest.raises(SdcError, match=rf"^table\.txt, .*{message}"):
        parse(text)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(SdcError, match=r"cannot read .*none\.txt"):
        read_sdc(tmp_path / "none.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SdcError, match=r"cannot read .*binary\.txt"):
        read_sdc(tmp_path / "binary.txt")


def test_written_text() -> None:
    document = Document(
        (block("1-...", "label,gain", "ECAL0-0-0 0.5", "S 10"), block("7", "a")), {"t": "x y"}
    )
    assert format_sdc(document, "Two lines\nof comment.") == (
        "# Two lines\n# of comment.\nt=x y\n\nruns=1-...\ncolumns=label,gain\nECAL0-0-0  0.5\nS          10\n"
        "\nruns=7\ncolumns=a\n"
    )


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(Document((block("1", "a", "x y"),)), id="too-many-values"),
        pytest.param(Document((Block(RunRange(1), ("a",), (Row(("",)),)),)), id="empty-value"),
        pytest.param(Document((Block(RunRange(1), ("a",), (Row(("x y",)),)),)), id="blank"),
        pytest.param(Document((Block(RunRange(1), ("a",), (Row(("#x",)),)),)), id="comment"),
        pytest.param(Document((Block(RunRange(1), ("a",), (Row(("a=1",)),)),)), id="like-metadata"),
        pytest.param(Document((), {"a b": "c"}), id="name-of-metadata"),
        pytest.param(Document((), {"a": " c"}), id="blank-metadata"),
        pytest.param(Document((), {"a": "x#y"}), id="metadata-with-comment"),
        pytest.param(Document((), {"a": ""}), id="empty-metadata"),
        pytest.param(Document((), {"run": "5"}), id="misspelt-runs"),
        pytest.param(Document((), {"runs": "5"}), id="runs-as-metadata"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(document: Document) -> None:
    with pytest.raises(SdcError):
        format_sdc(document)


names = st.from_regex(r"[a-z_][a-z0-9_.]{0,5}", fullmatch=True)
values = st.text(st.characters(codec="utf-8", exclude_characters="#="), min_size=1, max_size=6).filter(
    lambda text: text.split() == [text]
)
runs = st.builds(
    lambda a, n: RunRange(a, None if n is None else a + n), st.integers(0, 9), st.none() | st.integers(0, 9)
)


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    columns = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    rows = draw(st.lists(st.tuples(*[values] * len(columns)), max_size=4))
    return Block(draw(runs), tuple(columns), tuple(Row(row) for row in rows))


metadata = st.dictionaries(st.from_regex(r"x[0-9_.]{1,5}", fullmatch=True), values, max_size=3)


@given(document=st.builds(lambda b, m: Document(tuple(b), m), st.lists(blocks(), max_size=5), metadata))
def test_what_is_written_is_read_again(document: Document) -> None:
    text = format_sdc(document, "a comment")
    again = parse(text)
    assert again == document
    assert format_sdc(again, "a comment") == text


def test_file_is_written_and_read(tmp_path: Path) -> None:
    write_sdc(parse(DESCRIBED), tmp_path / "t.txt")
    assert read_sdc(tmp_path / "t.txt") == parse(DESCRIBED)
