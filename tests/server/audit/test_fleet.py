import pytest

from deskbound_audit.fleet import verify_files
from deskbound_strategies.errors import NotFoundError
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.agreement import an_export, signing_key


@pytest.fixture
def ledgers(tmp_path):
    paths = [tmp_path / f"{number}.jsonl" for number in range(3)]
    for number, path in enumerate(paths, start=1):
        path.write_bytes(an_export(LedgerKind.RESERVE, key=signing_key(number)))
    paths[1].write_bytes(paths[1].read_bytes()[:-1])
    return paths


def test_several_processes_come_to_the_same_verdicts_in_the_same_order(ledgers):
    alone = verify_files(ledgers, processes=1)
    assert [verdict.accepted for verdict in alone] == [True, False, True]
    assert verify_files(ledgers, processes=2, every_signature=False) == alone


def test_a_file_that_is_gone_is_an_error_from_another_process_too(ledgers, tmp_path):
    for processes in (1, 2):
        with pytest.raises(NotFoundError, match=r"gone\.jsonl"):
            verify_files([*ledgers, tmp_path / "gone.jsonl"], processes=processes)


def test_small_files_are_not_worth_a_second_process(ledgers):
    assert len(verify_files(ledgers)) == 3
