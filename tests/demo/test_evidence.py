"""The demo's own checks find what they look for."""

from demo.evidence import scan_for, tamper, verify_ledger
from tests.helpers.agreement import an_export


def test_a_phrase_is_found_in_files_and_texts_in_both_encodings(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "one.bin").write_bytes(b"\0\1canary\2")
    (tmp_path / "two.bin").write_bytes("canary".encode("utf-16-le"))
    scan = scan_for(["canary", "absent"], [tmp_path], ["a canary, printed"])
    assert (scan.phrases, scan.files, scan.hits) == (2, 2, 3)


def test_nothing_is_found_where_nothing_is(tmp_path):
    (tmp_path / "one.bin").write_bytes(b"canar y")
    assert scan_for(["canary"], [tmp_path], []).hits == 0


def test_a_sound_ledger_verifies_and_no_changed_one_does(tmp_path):
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(an_export())
    assert verify_ledger(path)
    assert tamper(path, times=3, seed=5) == 3
    assert path.read_bytes() == an_export()
