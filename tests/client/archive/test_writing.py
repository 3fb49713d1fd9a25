"""What an archive holds, for whom it is readable, and that a failed one leaves nothing."""

import json
import os
import stat
from datetime import date
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deskbound_client import consent
from deskbound_client.archive import age, export_vault
from deskbound_client.archive import output as output_module
from deskbound_client.archive.manifest import MANIFEST, MANIFEST_TYPE, SIGNATURE
from deskbound_client.config import write_default
from deskbound_client.employee.forgetting import forget
from deskbound_client.employee.wishes import Wish
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.rows import Counts
from deskbound_strategies import dsse
from deskbound_strategies.errors import ConfigError, DiskFullError, NotFoundError
from deskbound_strategies.ledger_export import verify_export
from deskbound_strategies.policy import PROFILES
from deskbound_strategies.vocabulary import APPS, TOKENS
from tests.helpers.archive import NOW, SECRET, YESTERDAY, fresh, some_rows, unpacked
from tests.helpers.privacy import a_lattice, a_round


@pytest.fixture
def desk(tmp_path):
    paths, vault = fresh(tmp_path / "home")
    with vault:
        vault.append(some_rows())
        consent.grant(vault, "keys", LedgerStore(vault))
        consent.revoke(vault, "keys", LedgerStore(vault))
        yield paths, vault


@pytest.fixture
def written(desk, tmp_path):
    export_vault(*desk, tmp_path / "me.zip", now=NOW)
    return unpacked(tmp_path / "me.zip")


def test_only_its_owner_can_read_it_whatever_the_umask_says(desk, tmp_path):
    before = os.umask(0)
    try:
        export_vault(*desk, tmp_path / "me.zip", now=NOW)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "me.zip").stat().st_mode) == 0o600


def test_a_file_that_is_there_is_replaced_only_when_asked_to(desk, tmp_path):
    target = tmp_path / "me.zip"
    target.write_text("mine")
    with pytest.raises(ConfigError):
        export_vault(*desk, target, now=NOW)
    assert target.read_text() == "mine"
    export_vault(*desk, target, force=True, now=NOW)
    assert MANIFEST in unpacked(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.fixture(params=["nameless", "named"])
def any_disk(request, monkeypatch):
    """File systems with and without files that have no name."""
    if request.param == "named":
        monkeypatch.delattr(output_module.os, "O_TMPFILE")


def test_a_file_that_came_meanwhile_is_not_overwritten(desk, tmp_path, monkeypatch, any_disk):
    target = tmp_path / "me.zip"
    claim = output_module._claim

    def late(link, to):
        target.write_text("mine")
        claim(link, to)

    monkeypatch.setattr(output_module, "_claim", late)
    with pytest.raises(ConfigError):
        export_vault(*desk, target, now=NOW)
    assert target.read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"home", "me.zip"}


def test_it_is_there_whole_on_any_disk(desk, tmp_path, any_disk):
    target = tmp_path / "me.zip"
    for force in (False, True):
        export_vault(*desk, target, force=force, now=NOW)
        assert MANIFEST in unpacked(target)
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        assert {path.name for path in tmp_path.iterdir()} == {"home", "me.zip"}


def test_a_power_cut_leaves_nothing_behind(desk, tmp_path):
    """What has no name yet cannot be found, whenever the process ends."""
    seen = []
    paths, vault = desk
    vault.append(some_rows(600))
    export_vault(
        paths, vault, tmp_path / "me.zip", now=NOW,
        progress=lambda *_: seen.append({path.name for path in tmp_path.iterdir()}),
    )  # fmt: skip
    assert seen
    assert all(names == {"home"} for names in seen)


def test_a_link_is_not_followed(desk, tmp_path):
    (tmp_path / "me.zip").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError):
        export_vault(*desk, tmp_path / "me.zip", now=NOW)
    export_vault(*desk, tmp_path / "me.zip", force=True, now=NOW)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("passphrase", [None, SECRET])
def test_a_full_disk_leaves_nothing_behind(desk, tmp_path, passphrase):
    full = os.open("/dev/full", os.O_WRONLY)

    opened = os.open

    def on_a_full_disk(path, flags, *mode, **more):
        handle = opened(path, flags, *mode, **more)
        if flags & os.O_TMPFILE == os.O_TMPFILE or str(path).endswith(".part"):
            os.dup2(full, handle)
        return handle

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(age, "WORK_FACTOR", 10)
        patch.setattr(output_module.os, "open", on_a_full_disk)
        patch.setattr(output_module.os, "fchmod", lambda *_: None)
        with pytest.raises(DiskFullError):
            export_vault(*desk, tmp_path / "me.zip", passphrase=passphrase, now=NOW)
    os.close(full)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_an_interrupted_export_leaves_nothing_behind(desk, tmp_path):
    def interrupted(done, total):
        raise KeyboardInterrupt

    paths, vault = desk
    vault.append(some_rows(600))
    with pytest.raises(KeyboardInterrupt):
        export_vault(paths, vault, tmp_path / "me.zip", progress=interrupted, now=NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_folder_that_is_not_there_is_said(desk, tmp_path):
    with pytest.raises(NotFoundError):
        export_vault(*desk, tmp_path / "nowhere" / "me.zip", now=NOW)


def test_every_member_is_as_the_signed_manifest_says(desk, written):
    _, vault = desk
    manifest = json.loads(written[MANIFEST])
    for member in manifest["members"]:
        data = written[member["name"]]
        assert (len(data), sha256(data).hexdigest()) == (member["bytes"], member["sha256"])
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(manifest["public_key"]))
    assert dsse.verify(written[SIGNATURE], MANIFEST_TYPE, public) == written[MANIFEST]
    assert public == vault.signing_key().public_key()


def test_the_ledger_is_exactly_what_an_auditor_reads(desk, tmp_path):
    paths, vault = desk
    asked = a_round()
    budget = Budget(LedgerStore(vault), PROFILES["research"])
    assert budget.reserve(asked, {YESTERDAY: "cut"}, a_lattice(asked)) is not None
    export_vault(paths, vault, tmp_path / "me.zip", now=NOW)
    written = unpacked(tmp_path / "me.zip")
    LedgerStore(vault).export(tmp_path / "ledger.jsonl")
    assert written["ledger.jsonl"] == (tmp_path / "ledger.jsonl").read_bytes()
    assert verify_export(written["ledger.jsonl"]).rounds == {(asked.run, asked.round)}
    (block,) = json.loads(written["budget.json"])["blocks"]
    assert (block["day"], block["rounds"]) == (YESTERDAY.isoformat(), 1)


def test_decisions_come_with_their_signatures(desk, written):
    _, vault = desk
    rows = [json.loads(line) for line in written["consent.jsonl"].splitlines()]
    assert [(row["subject"], row["granted"]) for row in rows] == [("keys", True), ("keys", False)]
    assert [row["signature"] for row in rows] == [
        receipt.signature.hex() for receipt in consent.receipts(vault)
    ]


def test_receipts_of_what_was_forgotten_are_in_it(desk, tmp_path):
    paths, vault = desk
    receipt = forget(paths, vault, Wish.of_day(YESTERDAY))
    export_vault(paths, vault, tmp_path / "me.zip", now=NOW)
    (line,) = unpacked(tmp_path / "me.zip")["forgotten.jsonl"].splitlines()
    found = json.loads(line)
    assert (found["days"], found["actions"]) == ([YESTERDAY.isoformat()], 40)
    assert found["signature"] == receipt.signature.hex()


def test_rows_say_in_words_what_they_say_in_numbers(written):
    line = json.loads(written[f"days/{YESTERDAY}.actions.jsonl"].splitlines()[1])
    assert (line["token"], line["words"], line["in"]) == (1, "typed letters, 2-3 keys", "mail")


def test_the_page_inside_explains_every_member_and_every_word(written):
    page = written["README.txt"].decode()
    kinds = {name.partition(".")[2] if "days/" in name else name for name in written}
    for name in kinds:
        assert name in page
    assert all(f" {token.name}" in page for token in TOKENS)
    assert all(f" {app}\n" in page for app in APPS)
    assert max(map(len, page.splitlines())) <= 100


def test_no_key_of_the_vault_and_no_path_to_one_is_in_it(desk, tmp_path):
    paths, vault = desk
    write_default(paths.config)
    text = paths.config.read_text().replace(
        'passphrase_file = ""', 'passphrase_file = "/where/it/lies"'
    )
    paths.config.write_text(text)
    export_vault(paths, vault, tmp_path / "me.zip", now=NOW)
    everything = b"".join(unpacked(tmp_path / "me.zip").values())
    state = vault._keys.current()
    for key in (state.vault_key, state.device_seed, state.bucket_salt, state.ratchet):
        assert key not in everything
        assert key.hex().encode() not in everything
    assert b"/where/it/lies" not in everything
    assert b"passphrase_file" not in everything


def test_a_damaged_day_is_named_and_the_others_are_written(desk, tmp_path):
    paths, vault = desk
    today = date.fromordinal(YESTERDAY.toordinal() + 1)
    vault.day(today, create=True)
    vault._files.let_go(today)
    path = vault.day_path(today)
    path.write_bytes(bytes(path.stat().st_size))
    receipt = export_vault(paths, vault, tmp_path / "me.zip", now=NOW)
    assert (receipt.damaged, receipt.days) == ((today,), (YESTERDAY,))


def test_parquet_holds_the_same_rows(desk, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    export_vault(*desk, tmp_path / "me.zip", parquet=True, now=NOW)
    written = unpacked(tmp_path / "me.zip")
    for kind in ("actions", "thumbs"):
        (tmp_path / kind).write_bytes(written[f"days/{YESTERDAY}.{kind}.parquet"])
        table = parquet.read_table(tmp_path / kind).to_pylist()
        lines = [json.loads(x) for x in written[f"days/{YESTERDAY}.{kind}.jsonl"].splitlines()]
        assert [row["at"] for row in table] == [line["at"] for line in lines]
        assert set(table[0]) == set(lines[0]) - {"words", "in"}


def test_without_pyarrow_parquet_is_a_clear_error(desk, tmp_path, monkeypatch):
    monkeypatch.setattr("deskbound_client.archive.parquet.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="pyarrow"):
        export_vault(*desk, tmp_path / "me.zip", parquet=True, now=NOW)
    assert not (tmp_path / "me.zip").exists()


def test_the_receipt_is_that_of_the_file(desk, tmp_path):
    receipt = export_vault(*desk, tmp_path / "me.zip", now=NOW)
    data = (tmp_path / "me.zip").read_bytes()
    assert (receipt.bytes, receipt.sha256) == (len(data), sha256(data).hexdigest())
    assert receipt.counts == Counts(40, 3, 1)
