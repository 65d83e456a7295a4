"""A look at all files: digests of the catalogue, and files that take for ever."""

import hashlib
from pathlib import Path

import pytest

from datasets.conditions.catalogue import Catalogue, FileDigest, FileRecord, RunRecord
from datasets.fingerprint import DigestError
from datasets.sources import find_inputs
from processors.accounting import Loss
from processors.request import Request, look_at


def catalogue(scope: str, **digests: str) -> Catalogue:
    files = tuple(
        FileRecord(path=f"{name}.root", digest=FileDigest(algorithm="sha256", value=value, scope=scope))  # type: ignore[arg-type]
        for name, value in digests.items()
    )
    run = RunRecord(
        run=3661, period="2018-invisible", kind="data", trigger="physics", quality="good", files=files
    )
    return Catalogue(runs=(run,))


@pytest.fixture
def content(samples: Path) -> bytes:
    return (samples / "p348reco_tree.root").read_bytes()


def look(folder: Path, listed: Catalogue, **options: object) -> list[object]:
    return list(look_at(Request(files=find_inputs([str(folder)]), catalogue=listed, **options)))  # type: ignore[arg-type]


def test_intact_file_is_verified(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.root").write_bytes(content)
    (tmp_path / "b.root").write_bytes(content)
    value = hashlib.sha256(content).hexdigest()
    one, two = look(tmp_path, catalogue("full", a=value))
    assert (one.verified, one.digest.value, one.digest.scope) == (True, value, "full")  # type: ignore[attr-defined]
    assert (two.verified, two.digest.scope) == (False, "quick")  # type: ignore[attr-defined]


def test_all_files_with_another_digest_are_named(tmp_path: Path, content: bytes) -> None:
    changed = bytearray(content)
    changed[len(content) // 2] ^= 1
    (tmp_path / "a.root").write_bytes(content)
    (tmp_path / "b.root").write_bytes(changed)
    (tmp_path / "c.root").write_bytes(content[:1000])
    value = hashlib.sha256(content).hexdigest()
    listed = catalogue("full", a=value, b=value, c=value)
    with pytest.raises(DigestError, match=r"b\.root has the SHA-256 .*Fetch it again.*c\.root has") as caught:
        look(tmp_path, listed)
    assert "a.root" not in str(caught.value)
    unverified = look(tmp_path, listed, verify=False)
    assert isinstance(unverified.pop(), Loss)
    assert [probe.verified for probe in unverified] == [False, False]  # type: ignore[attr-defined]


def test_quick_digest_of_the_catalogue_verifies_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.root").write_bytes(content)
    listed = catalogue("quick", a=64 * "0")
    assert [probe.verified for probe in look(tmp_path, listed)] == [False]  # type: ignore[attr-defined]
    (hashed,) = look(tmp_path, listed, verify=True)
    assert (hashed.verified, hashed.digest.scope) == (False, "full")  # type: ignore[attr-defined]


def test_headers_that_take_for_ever_are_a_loss(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_: str) -> None:
        while True:
            pass

    (tmp_path / "a.root").write_bytes(content)
    monkeypatch.setattr("datasets.probe.read_trees", endless)
    monkeypatch.setattr("datasets.probe.ask", lambda path, content, question, answer: answer())
    (loss,) = look(tmp_path, Catalogue(), timeout=0.05)
    assert isinstance(loss, Loss)
    assert loss.entries is None
    assert loss.reason.startswith("looking at the file was not done within 0.05 s")
