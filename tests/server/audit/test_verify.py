import pytest

from deskbound_audit.verify import check_fingerprint, read_keys, verify_file
from deskbound_strategies import dsse
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.agreement import an_export, signing_key

DEVICE = dsse.fingerprint(signing_key().public_key())
OTHER = dsse.fingerprint(signing_key(2).public_key())


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "laptop.jsonl"
    path.write_bytes(an_export(LedgerKind.RESERVE, LedgerKind.RELEASE))
    return path


@pytest.mark.parametrize("every_signature", [True, False])
def test_a_whole_ledger_is_accepted(ledger, every_signature):
    verdict = verify_file(ledger, every_signature=every_signature)
    assert verdict.accepted
    assert verdict.summary.uploads == 1
    assert verdict.loss.rounds == 1


def test_a_changed_byte_is_a_problem_with_a_line(ledger):
    data = bytearray(ledger.read_bytes())
    data[-400] ^= 1
    ledger.write_bytes(bytes(data))
    verdict = verify_file(ledger)
    assert not verdict.accepted
    assert verdict.problem.startswith("Line ")


def test_only_known_devices_are_accepted(ledger):
    assert verify_file(ledger, {DEVICE, OTHER}).accepted
    assert "not in the list" in verify_file(ledger, {OTHER}).problem


def test_a_missing_file_is_named_without_its_folder(tmp_path):
    with pytest.raises(NotFoundError) as caught:
        verify_file(tmp_path / "gone.jsonl")
    assert "gone.jsonl" in caught.value.sentence
    assert str(tmp_path) not in caught.value.sentence


def test_a_list_of_keys_may_have_comments(tmp_path):
    path = tmp_path / "keys.txt"
    path.write_text(f"# the fleet\n\n{DEVICE}  # accounting\n{OTHER}\n")
    assert read_keys(path) == {DEVICE, OTHER}


def test_a_bad_list_of_keys_is_named(tmp_path):
    path = tmp_path / "keys.txt"
    with pytest.raises(NotFoundError):
        read_keys(path)
    path.write_text(f"{DEVICE}\n{DEVICE[:-1]}\n")
    with pytest.raises(ConfigError, match=r"keys\.txt line 2"):
        read_keys(path)
    path.write_text("# nobody\n")
    with pytest.raises(ConfigError, match="no device"):
        read_keys(path)


@pytest.mark.parametrize("word", ["", "ab", "AB" * 32, "zz" * 32, DEVICE + "0"])
def test_a_fingerprint_has_one_spelling(word):
    with pytest.raises(ConfigError):
        check_fingerprint(word, "--key")
