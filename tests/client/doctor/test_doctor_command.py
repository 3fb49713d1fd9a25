"""The whole command on a real vault: sound, and then broken in ways that must be found."""

import json

from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import KEYS
from tests.helpers.cli import PASSPHRASE, days_ago, desk, empty

__all__ = ["desk", "empty"]


def found(desk, *more):
    answer = desk.run("doctor", "--json", *more)
    return answer.code, {each["name"]: each for each in json.loads(answer.out)}


def wrong(findings):
    return {name for name, each in findings.items() if each["level"] == "wrong"}


def test_a_new_vault_is_well(desk):
    code, findings = found(desk, "--deep")
    assert (code, wrong(findings)) == (0, set())
    assert {"home", "control", "clock", "display", "versions", "pages", "ledger"} <= set(findings)
    assert all(each["sentence"].endswith(".") for each in findings.values())
    assert all(each["mend"] for each in findings.values() if each["level"] in ("warn", "wrong"))


def test_without_a_vault_it_says_so_and_nothing_breaks(empty):
    code, findings = found(empty)
    assert code == 18
    assert wrong(findings) == {"home"}
    assert "deskbound init" in findings["home"]["mend"]
    assert not empty.paths.home.exists()  # looking makes nothing


def test_it_needs_no_passphrase_unless_it_goes_deep(desk):
    desk.passphrase.unlink()
    code, findings = found(desk)
    assert (code, wrong(findings)) == (18, {"passphrase-file"})
    assert "pages" not in findings


def test_what_others_can_read_is_found_with_its_mend(desk):
    (desk.paths.home / "vault.db").chmod(0o644)
    code, findings = found(desk)
    assert (code, wrong(findings)) == (18, {"home"})
    assert "chmod 600" in findings["home"]["mend"]


def test_a_link_in_the_home_is_found(desk, tmp_path):
    (tmp_path / "elsewhere").write_text("", encoding="utf-8")
    (desk.paths.run / "x").symlink_to(tmp_path / "elsewhere")
    assert wrong(found(desk)[1]) == {"home"}


def test_a_plain_database_is_found(desk):
    plain = desk.paths.home / "days" / "2026-11-20.db"
    plain.write_bytes(b"SQLite format 3\0" + bytes(4080))
    plain.chmod(0o600)
    code, findings = found(desk)
    assert (code, wrong(findings)) == (18, {"files"})
    assert "2026-11-20.db is not encrypted" in findings["files"]["sentence"]


def test_a_damaged_control_file_is_found(desk):
    desk.paths.control.write_bytes(b"nonsense")
    assert wrong(found(desk)[1]) == {"control"}


def test_a_bad_setting_is_found(desk):
    desk.paths.config.write_text("retention_days = 4000\n", encoding="utf-8")
    findings = found(desk)[1]
    assert wrong(findings) == {"settings"}
    assert "retention_days" in findings["settings"]["sentence"]


def test_a_lost_key_is_found(desk):
    (desk.paths.home / "root.sealed").unlink()
    assert wrong(found(desk)[1]) == {"keystore"}


def test_a_changed_page_is_found_when_looking_deep(desk):
    desk.store(days_ago(1), 400)
    path = desk.paths.home / "days" / f"{days_ago(1)}.db"
    page = bytearray(path.read_bytes())
    page[4096 + 100] ^= 1
    path.write_bytes(page)
    assert wrong(found(desk)[1]) == set()
    code, findings = found(desk, "--deep")
    assert (code, wrong(findings)) == (18, {"pages"})
    assert path.name in findings["pages"]["sentence"]


def test_a_changed_line_of_the_ledger_is_found(desk):
    with desk.vault() as vault:  # as someone who has the key could
        triggers = vault.database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers:
            vault.database.execute(f"DROP TRIGGER {name}")
        vault.database.execute(
            "UPDATE ledger SET line = CAST(replace(line, 'a', 'b') AS BLOB) WHERE seq = 1"
        )
    assert "ledger" in wrong(found(desk, "--deep")[1])


def test_a_stream_without_a_signed_receipt_is_found(desk):
    control = Control.open(desk.paths.control)
    control.set_streams(KEYS)
    control.close()
    findings = found(desk, "--deep")[1]
    assert wrong(findings) == {"consent"}
    assert "keys" in findings["consent"]["sentence"]


def test_no_secret_is_printed(desk):
    for words in (("doctor",), ("doctor", "--deep"), ("doctor", "--json", "--deep")):
        answer = desk.run(*words)
        assert PASSPHRASE not in answer.out + answer.err
        assert answer.code == 0


def test_a_person_reads_it_in_80_columns(desk, monkeypatch):
    monkeypatch.setattr("deskbound_client.cli.doctor.console.width", 80, raising=False)
    desk.paths.control.write_bytes(b"nonsense")
    answer = desk.run("doctor")
    assert answer.code == 18
    assert "1 thing is wrong" in answer.err
    lines = answer.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("✗  control") for line in lines)
    assert lines[-1].endswith("1 wrong.")
