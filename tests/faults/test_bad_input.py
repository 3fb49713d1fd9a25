"""What people and disks do to a laptop: one sentence, a mend, a stable exit code, nothing lost.

docs/troubleshooting.md lists which test shows which; those of rounds are in tests/rounds.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess

import pytest

from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.cli import PASSPHRASE, Desk, days_ago

ONE, TWO = days_ago(1), days_ago(2)

NEED_A_VAULT = [
    ("consent", "show"), ("consent", "grant", "keys"), ("consent", "revoke", "keys"), ("show",),
    ("forget", "--all"), ("budget",), ("sent",), ("leave",), ("start", "--no-capture"), ("agent",),
    ("generate", "--persona", "analyst"),
]  # fmt: skip


@pytest.fixture
def stored(desk):
    """A vault with two days and a grant."""
    desk.store(TWO)
    desk.store(ONE)
    desk.ok("consent", "grant", "keys")
    return desk


def whole(desk):
    """Check that nothing of ``stored`` is lost."""
    assert [day["actions"] for day in desk.ask("show")["days"]] == [10, 10]
    assert desk.ask("consent", "show")["keys"]["on"]
    assert len(desk.bodies(LedgerKind.CONSENT)) == 1


# --- no vault, no key -----------------------------------------------------------------------


@pytest.mark.parametrize("words", NEED_A_VAULT, ids=" ".join)
def test_without_a_vault_the_mend_is_init_and_nothing_is_made(empty, words):
    assert "deskbound init" in empty.fails(17, *words)
    assert not empty.paths.home.exists()


@pytest.mark.parametrize("words", NEED_A_VAULT, ids=" ".join)
def test_a_wrong_passphrase(stored, words):
    stored.passphrase.write_text("five unrelated plain words\n")
    assert "passphrase" in stored.fails(12, *words)
    stored.passphrase.write_text(PASSPHRASE)
    if "revoke" not in words:
        whole(stored)


def test_no_keystore_and_no_passphrase(empty):
    assert "--passphrase-file" in empty.fails(11, "init", "--profile", "strict")
    empty.init("--profile", "research")
    assert empty.ask("budget")["profile"] == "research", "the first try left its profile behind"


def test_a_passphrase_and_nobody_to_ask(stored):
    text = stored.paths.config.read_text()
    line = next(line for line in text.splitlines() if line.startswith("passphrase_file"))
    stored.paths.config.write_text(text.replace(line, ""))
    assert "config.toml" in stored.fails(11, "show")
    stored.paths.config.write_text(text)
    whole(stored)


def test_a_passphrase_file_that_is_gone(stored):
    kept = stored.passphrase.rename(stored.passphrase.with_name("kept"))
    assert "passphrase_file" in stored.fails(11, "show")
    kept.rename(stored.passphrase)
    whole(stored)


def test_a_passphrase_that_is_too_short(empty):
    empty.passphrase.write_text("short\n")
    empty.fails(10, "init", "--passphrase-file", str(empty.passphrase))
    empty.passphrase.write_text(PASSPHRASE)
    empty.init()
    empty.ok("show")


# --- settings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "line", "near"),
    [
        ("config.toml", "idle_secs = 3", "idle_seconds"),
        ("config.toml", "retention_days = 0", "retention_days"),
        ("config.toml", "retention_days = [", "config.toml"),
    ],
)
def test_a_setting_that_does_not_exist_or_fit(stored, file, line, near):
    path = stored.paths.home / file
    before = path.read_text()
    path.write_text(f"{line}\n" + before.replace("retention_days", "# "))
    assert near in stored.fails(10, "budget")
    path.write_text(before)
    whole(stored)


# --- files that others touched --------------------------------------------------------------


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[:-1000])


def plain(path):
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE notes (words)")
        database.commit()
    path.chmod(0o600)


HARMS = {
    "a changed byte": lambda path: flip(path, 1000),
    "cut short": cut,
    "not encrypted": plain,
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_harmed_day_harms_no_other(stored, harm):
    path = stored.paths.home / "days" / f"{TWO}.db"
    HARMS[harm](path)
    answer = stored.run("show")
    assert answer.code == 13
    assert f"{ONE}" in answer.out
    assert len(answer.err.splitlines()) == 2
    assert stored.ask("show", ONE.isoformat())["actions"] == 10
    stored.fails(13, "show", TWO.isoformat())
    stored.ok("forget", "--day", TWO.isoformat())
    assert [day["actions"] for day in stored.ask("show")["days"]] == [10]
    assert [body["scope"] for body in stored.bodies(LedgerKind.FORGET)] == ["day"]


@pytest.mark.parametrize("harm", HARMS)
def test_a_harmed_vault_is_told_and_left_as_it_is(stored, harm):
    path = stored.paths.home / "vault.db"
    kept = path.read_bytes()
    HARMS[harm](path)
    found = path.read_bytes()
    for words in (("show",), ("consent", "grant", "pointer"), ("forget", "--all")):
        stored.fails(13, *words)
    assert path.read_bytes() == found
    path.write_bytes(kept)
    whole(stored)


@pytest.mark.parametrize(
    ("name", "code"), [("vault.keys", 13), ("keystore.json", 13), ("root.sealed", 13)]
)
def test_harmed_keys_are_told_and_left_as_they_are(stored, name, code):
    path = stored.paths.home / name
    kept = path.read_bytes()
    for content in (b"", b"{}", kept[: len(kept) // 2]):
        path.write_bytes(content)
        stored.fails(code, "show")
        assert path.read_bytes() == content
    path.write_bytes(kept)
    whole(stored)


@pytest.mark.parametrize("name", ["vault.keys", "keystore.json", "root.sealed", "vault.db"])
def test_lost_keys_are_told_and_no_new_ones_take_their_place(stored, name):
    path = stored.paths.home / name
    kept = path.rename(stored.paths.home.parent / "kept")
    before = {found.name for found in stored.paths.home.iterdir()}
    assert name in stored.fails(13, "show")
    assert {found.name for found in stored.paths.home.iterdir()} == before
    kept.rename(path)
    whole(stored)


@pytest.mark.parametrize(
    "name", ["vault.db", "vault.keys", "control", "config.toml", "root.sealed", "days", "."]
)
def test_what_others_could_read_is_refused(stored, name):
    path = stored.paths.home / name
    mode = path.stat().st_mode
    path.chmod(mode | 0o044)
    words = ("pause",) if name == "control" else ("show",)
    assert "chmod" in stored.fails(14, *words)
    path.chmod(mode)
    whole(stored)


def test_a_ledger_that_was_changed_is_told(stored):
    with stored.vault() as vault, vault.database.transaction():
        vault.database.execute("DROP TRIGGER ledger_is_never_rewritten")
        seq, line = vault.database.execute("SELECT max(seq), line FROM ledger")[0]
        changed = bytes(byte ^ (place == len(line) // 2) for place, byte in enumerate(line))
        vault.database.execute("UPDATE ledger SET line = ? WHERE seq = ?", (changed, seq))
    for words in (("budget",), ("sent",), ("consent", "grant", "pointer")):
        stored.fails(50, *words)


# --- a full disk ----------------------------------------------------------------------------


def state(desk):
    """Return all that must not be lost."""
    return desk.ask("show"), desk.ask("consent", "show"), len(desk.ledger())


def make_room(desk):
    (desk.paths.home.parent / "filler").unlink()


@pytest.fixture
def full(tmp_path, capsys, empty):
    """A vault with two days on a small disk that has just become full."""
    if os.getuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small file system needs root")
    small = tmp_path / "small"
    small.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", small]
    if subprocess.run(options, check=False).returncode:
        pytest.skip("mounting a small file system is not allowed here")
    desk = Desk(small, capsys)
    try:
        desk.init("--profile", "research")
        desk.store(TWO, 4000)
        desk.store(ONE, 10)
        desk.before = state(desk)
        with (small / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while filler.write(bytes(4096)):
                pass
        yield desk
    finally:
        subprocess.run(["umount", "-l", small], check=True)


@pytest.mark.parametrize(
    "words",
    [("consent", "grant", "keys"), ("generate", "--persona", "analyst", "--days", "1"), ("show",)],
)
def test_on_a_full_disk_nothing_is_half_done(full, words):
    assert "Free some space" in full.fails(16, *words)
    make_room(full)
    assert state(full) == full.before


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--day", TWO.isoformat()), 4000),
        (("--from", f"{TWO} 12:00", "--to", f"{TWO} 12:10"), 601),
        (("--all",), 4010),
    ],
)
def test_on_a_full_disk_one_can_still_forget(full, words, count):
    assert full.ask("forget", *words)["actions"] == count
    make_room(full)
    assert len(full.bodies(LedgerKind.FORGET)) == 1
    full.ok("forget", "--all")
    assert (full.paths.home / "vault.ballast").exists(), "room for the next time"


def test_on_a_full_disk_pause_and_status_work(full):
    full.ok("pause")
    assert full.ask("status")["capture"] == "paused"
    full.ok("resume")
