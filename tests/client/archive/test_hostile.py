"""An archive made to do harm stores nothing, whoever signed it."""

import struct
import zipfile
from dataclasses import replace
from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_client.archive import export_vault, import_archive
from deskbound_client.archive import importing as importing_module
from deskbound_client.archive import manifest as manifest_module
from deskbound_client.archive.manifest import MANIFEST, README, SETTINGS, SIGNATURE
from deskbound_strategies.errors import DiskFullError, NotFoundError, VerificationError
from deskbound_strategies.vocabulary import APPS, TOKENS
from tests.helpers.archive import (
    NOW,
    TODAY,
    YESTERDAY,
    fresh,
    packed,
    signed_anew,
    some_rows,
    unpacked,
    with_line,
)

KEY = Ed25519PrivateKey.generate()
CANARY = "Salary of Jane Doe"


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    root = tmp_path_factory.mktemp("honest")
    paths, vault = fresh(root / "home")
    with vault:
        vault.append(some_rows())
        export_vault(paths, vault, root / "a.zip", now=NOW)
    return unpacked(root / "a.zip")


@pytest.fixture
def desk(tmp_path):
    paths, vault = fresh(tmp_path / "home")
    with vault:
        yield paths, vault


def refused(desk, archive) -> str:
    """Check that an archive is refused and nothing is stored; return what was said."""
    paths, vault = desk
    with pytest.raises(VerificationError) as error:
        import_archive(paths, vault, archive, now=NOW)
    assert vault.days() == []
    said = f"{error.value.sentence} {error.value.mend}"
    assert CANARY not in said
    assert error.value.__cause__ is None
    return said


def test_the_honest_archive_is_taken(desk, members, tmp_path):
    paths, vault = desk
    import_archive(paths, vault, packed(tmp_path / "a.zip", members), now=NOW)
    assert vault.days() == [YESTERDAY]


def test_signed_anew_by_another_device_it_is_another_devices(desk, members, tmp_path):
    paths, vault = desk
    receipt = import_archive(
        paths, vault, packed(tmp_path / "a.zip", signed_anew(members, KEY)), now=NOW
    )
    assert not receipt.own
    assert {row.source for row in vault.day(YESTERDAY).actions()} == {2}


def test_one_changed_byte_anywhere_is_found(desk, members, tmp_path):
    for name, data in members.items():
        for place in (0, len(data) // 2, len(data) - 1) if data else ():
            changed = bytearray(data)
            changed[place] ^= 1
            refused(desk, packed(tmp_path / "a.zip", {**members, name: bytes(changed)}))


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("actions", {"token": len(TOKENS)}),
        ("actions", {"token": -1}),
        ("actions", {"token": True}),
        ("actions", {"token": 1.0}),
        ("actions", {"token": float("nan")}),
        ("actions", {"token": "1"}),
        ("actions", {"token": None}),
        ("actions", {"token": [CANARY]}),
        ("actions", {"app": len(APPS)}),
        ("actions", {"gap": 9}),
        ("actions", {"fx": 16}),
        ("actions", {"fy": -2}),
        ("actions", {"bucket": 65_537}),
        ("actions", {"stream": 3}),
        ("actions", {"stream": 32}),
        ("actions", {"source": 3}),
        ("actions", {"at": -1}),
        ("actions", {"at": 1 << 60}),
        ("actions", {"boot": 1 << 63}),
        ("actions", {"title": CANARY}),
        ("actions", {"words": CANARY * 100}),
        ("actions", {"words": 7}),
        ("thumbs", {"pixels": CANARY}),
        ("thumbs", {"pixels": "AAAA"}),
        ("thumbs", {"pixels": 7}),
        ("thumbs", {"app": 40}),
        ("gaps", {"cause": CANARY}),
        ("gaps", {"cause": 0}),
        ("gaps", {"started": "0"}),
    ],
)
def test_a_row_outside_the_closed_lists_is_refused_though_signed(
    desk, members, tmp_path, kind, changes
):
    if kind == "gaps":  # there is one line only
        (name,) = (n for n in members if ".gaps." in n)
        members = {**members, name: members[name] * 2}
    bad = signed_anew(with_line(members, kind, **changes), KEY)
    said = refused(desk, packed(tmp_path / "a.zip", bad))
    assert "line 2" in said


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"not json",
        b'{"at":1}',
        b"[" * 4_000,
        b'{"at":' + b"9" * 4_000 + b"}",
        b"\xff\xfe",
        b"{" * 5_000,
    ],
)
def test_a_line_that_is_no_row_is_refused(desk, members, tmp_path, line):
    (name,) = (n for n in members if ".actions." in n)
    bad = signed_anew({**members, name: line + b"\n" + members[name]}, KEY)
    refused(desk, packed(tmp_path / "a.zip", bad))


def test_a_column_given_twice_is_refused(desk, members, tmp_path):
    (name,) = (n for n in members if ".actions." in n)
    bad = members[name].replace(b'"token":0', b'"token":0,"token":1', 1)
    refused(desk, packed(tmp_path / "a.zip", signed_anew({**members, name: bad}, KEY)))


def test_words_for_people_reach_no_vault(desk, members, tmp_path):
    paths, vault = desk
    archive = packed(
        tmp_path / "a.zip", signed_anew(with_line(members, "actions", words=CANARY), KEY)
    )
    import_archive(paths, vault, archive, now=NOW)
    dump = b"".join(
        repr(row).encode()
        for table in ("actions", "thumbs", "gaps")
        for row in vault.day(YESTERDAY).connection.execute(f"SELECT * FROM {table}")
    )
    assert CANARY.encode() not in dump


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "days/../x.actions.jsonl", "days/2026-11-19.exe", "x"],
)
def test_a_name_that_does_not_belong_is_refused(desk, members, tmp_path, name):
    said = refused(desk, packed(tmp_path / "a.zip", {**members, name: b"x"}))
    assert "passwd" not in said


def test_a_day_that_is_none_is_refused(desk, members, tmp_path):
    moved = {name.replace("2026-11-19", "2026-13-41"): data for name, data in members.items()}
    del moved[MANIFEST], moved[SIGNATURE]
    archive = packed(tmp_path / "a.zip", {**moved, MANIFEST: b"{}", SIGNATURE: b"{}"})
    refused(desk, archive)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(desk, members, tmp_path):
    archive = packed(tmp_path / "a.zip", members)
    with zipfile.ZipFile(archive, "a") as out:
        out.writestr(README, members[README])
    refused(desk, archive)


@pytest.mark.parametrize("name", [README, SETTINGS, MANIFEST, SIGNATURE, "thumbs"])
def test_a_missing_member_is_missed(desk, members, tmp_path, name):
    (gone,) = (n for n in members if name in n)
    refused(desk, packed(tmp_path / "a.zip", {n: d for n, d in members.items() if n != gone}))


def test_half_a_day_is_refused_though_signed(desk, members, tmp_path):
    half = signed_anew({n: d for n, d in members.items() if ".thumbs." not in n}, KEY)
    refused(desk, packed(tmp_path / "a.zip", half))


def test_a_member_longer_than_it_says_is_read_no_further(desk, members, tmp_path):
    """A bomb: the manifest speaks of few bytes, the zip unpacks to very many."""
    (name,) = (n for n in members if ".gaps." in n)
    bomb = {**members, name: b"\n" * 300_000_000}
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for each, data in bomb.items():
            out.writestr(each, data)
    assert archive.stat().st_size < 1_000_000
    refused(desk, archive)


@pytest.mark.parametrize("count", [5_000_001, 1 << 62])
def test_a_count_too_large_to_be_honest_is_refused(desk, members, tmp_path, count):
    def huge(found):
        many = (replace(m, rows=count) if ".actions." in m.name else m for m in found.members)
        return replace(found, members=tuple(many))

    refused(desk, packed(tmp_path / "a.zip", signed_anew(members, KEY, huge)))


def test_a_count_that_is_not_so_is_refused(desk, members, tmp_path):
    def fewer(found):
        less = (replace(m, rows=39) if ".actions." in m.name else m for m in found.members)
        return replace(found, members=tuple(less))

    refused(desk, packed(tmp_path / "a.zip", signed_anew(members, KEY, fewer)))


def test_another_vocabulary_is_refused_with_the_version_that_reads_it(desk, members, tmp_path):
    other = signed_anew(members, KEY, lambda found: replace(found, vocabulary="0" * 64))
    assert "another vocabulary" in refused(desk, packed(tmp_path / "a.zip", other))


def test_a_manifest_signed_by_another_key_than_it_names_is_refused(desk, members, tmp_path):
    other = signed_anew(members, KEY)
    refused(desk, packed(tmp_path / "a.zip", {**members, MANIFEST: other[MANIFEST]}))
    refused(desk, packed(tmp_path / "a.zip", {**members, SIGNATURE: other[SIGNATURE]}))


def test_more_days_than_any_vault_keeps_are_refused(desk, members, tmp_path, monkeypatch):
    for day in range(1, 4):
        members = members | {
            f"days/2026-10-{day:02}.{kind}.jsonl": b"" for kind in ("actions", "thumbs", "gaps")
        }
    archive = packed(tmp_path / "a.zip", signed_anew(members, KEY))
    monkeypatch.setattr(manifest_module, "MOST_DAYS", 3)
    refused(desk, archive)


def test_a_long_list_of_members_is_refused_before_it_is_read(desk, tmp_path, monkeypatch):
    archive = packed(tmp_path / "a.zip", {f"{i:0200}": b"" for i in range(3_000)})
    data = bytearray(archive.read_bytes())
    monkeypatch.setattr("zipfile.ZipFile", None)
    refused(desk, archive)
    (at,) = struct.unpack("<I", data[-6:-2])  # the same, told in a ZIP64 record only
    size = len(data) - 22 - at
    large = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 3000, 3000, size, at)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(data) - 22, 1)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 65535, 65535, 100, 0xFFFFFFFF, 0)
    archive.write_bytes(data[:-22] + large + locator + end)
    refused(desk, archive)


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip" * 100, b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_archive_is_refused(desk, tmp_path, data):
    (tmp_path / "a.zip").write_bytes(data)
    refused(desk, tmp_path / "a.zip")


def test_an_archive_cut_short_anywhere_is_refused(desk, members, tmp_path):
    whole = packed(tmp_path / "a.zip", members).read_bytes()
    for part in range(1, 12):
        (tmp_path / "b.zip").write_bytes(whole[: len(whole) * part // 12])
        refused(desk, tmp_path / "b.zip")


def test_what_is_not_a_file_is_not_opened(desk, tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    paths, vault = desk
    for name in ("pipe", ".", "nothing"):
        with pytest.raises(NotFoundError):
            import_archive(paths, vault, tmp_path / name, now=NOW)


def test_a_file_exchanged_between_checking_and_storing_stores_nothing(desk, tmp_path, monkeypatch):
    paths, vault = desk
    other_paths, other = fresh(tmp_path / "other")
    archive = tmp_path / "a.zip"
    with other:
        other.append(some_rows(4_000))  # too long to be held in a buffer
        export_vault(other_paths, other, archive, now=NOW)
    check = importing_module._check_everything
    with zipfile.ZipFile(archive) as found:
        (start,) = (e.header_offset for e in found.infolist() if ".actions." in e.filename)

    def then_exchange(found, steps):
        check(found, steps)
        with archive.open("r+b") as stream:  # the very file that is open
            stream.seek(start + 30_000)
            stream.write(bytes(100))

    monkeypatch.setattr(importing_module, "_check_everything", then_exchange)
    with pytest.raises(VerificationError):
        import_archive(paths, vault, archive, now=NOW)
    for day in vault.days():
        counts = vault.day(day).counts()
        assert (counts.actions, counts.thumbs, counts.gaps) == (0, 0, 0)


def test_a_day_is_stored_wholly_or_not_at_all(desk, members, tmp_path, monkeypatch):
    from deskbound_client.store.days import DayFile

    paths, vault = desk
    archive = packed(tmp_path / "a.zip", members)
    monkeypatch.setattr(importing_module, "_ROWS_AT_ONCE", 7)
    append, calls = DayFile.append, []

    def full(self, *rows, **more):
        calls.append(1)
        if len(calls) == 4:
            raise DiskFullError("There is no room left on the disk for 2026-11-19.db.", "")
        return append(self, *rows, **more)

    with monkeypatch.context() as patched:
        patched.setattr(DayFile, "append", full)
        with pytest.raises(DiskFullError):
            import_archive(paths, vault, archive, now=NOW)
    assert list(vault.day(YESTERDAY).actions()) == []
    import_archive(paths, vault, archive, now=NOW)  # and can be asked for again
    assert len(list(vault.day(YESTERDAY).actions())) == 40
    assert {row.boot for row in vault.day(YESTERDAY).actions()} == {-7}


def test_members_of_the_future_are_told_by_their_date(desk, members, tmp_path):
    paths, vault = desk
    moved = {n.replace("2026-11-19", "2027-01-01"): d for n, d in members.items()}
    archive = packed(tmp_path / "a.zip", signed_anew(moved, KEY))
    (day,) = import_archive(paths, vault, archive, now=NOW).days
    assert (day.day, day.outcome) == (date(2027, 1, 1), "future")
    assert TODAY not in vault.days()
