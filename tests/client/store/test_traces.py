"""No trace: whoever decrypts every page of a day file with its own key finds nothing forgotten."""

import random

import pytest

from deskbound_client.store.cipher import open_database
from deskbound_client.store.days import DayFile
from deskbound_client.store.rows import StoredAction, StoredThumb
from deskbound_client.store.selection import Selection
from tests.helpers.store import NOON, new_vault, plain_pages

KEY = bytes(range(32))
BUCKET = 0x5B_17_C3_99
MARK = 0x5A_17_C3_00_00_00  # six bytes of a monotonic clock, as recognisable as a name


@pytest.mark.parametrize("seed", range(4))
def test_forgotten_rows_are_in_no_page_however_often_something_was_forgotten(tmp_path, seed):
    """Deleting moves what stays to other pages; copies of it must not outlive it there."""
    chances, path = random.Random(seed), tmp_path / "2026-11-20.db"
    file = DayFile(open_database(path, KEY, create=True))
    for _ in range(6):
        rows = [
            StoredAction(i % 400, i % 3, 1, NOON + i, stream=1 << i % 3, mono_s=MARK + number)
            for i, number in enumerate(chances.sample(range(1 << 24), 1_500))
        ]
        file.append(rows, [_thumb(chances.randrange(1 << 24), row) for row in rows[::50]])
        for _ in range(8):
            file.delete(_some(chances))
    file.delete(Selection("app", app=1))
    file.connection.empty_journal()
    pages = plain_pages(path, KEY)
    kept = {row.mono_s for row in file.actions()}
    pictures = {thumb.pixels[:8] for thumb in file.thumbs()}
    file.connection.close()
    assert kept <= _found(pages), "the scan sees what is there"
    assert _found(pages) <= kept
    assert _pictures(pages) <= pictures


@pytest.mark.parametrize(
    "wanted",
    [
        Selection("range", NOON + 700, NOON + 5_300),
        Selection("range", NOON + 5_000),
        Selection("app", app=1),
        Selection("stream", stream=2),
        Selection("rows", actions=tuple(range(7, 6_000, 9))),
        Selection("app", bucket=BUCKET),
    ],
    ids=["middle", "end", "app", "stream", "rows", "program"],
)
@pytest.mark.parametrize("sparingly", [False, True])
def test_one_forgetting_leaves_nothing_of_rows_or_of_their_tally(tmp_path, wanted, sparingly):
    path = tmp_path / "2026-11-20.db"
    file = DayFile(open_database(path, KEY, create=True))
    for start in range(0, 6_000, 100):  # as capture commits them
        file.append([_row(i) for i in range(start, start + 100)])
    (file.delete_sparingly if sparingly else file.delete)(wanted)
    file.connection.empty_journal()
    pages = plain_pages(path, KEY)
    left = list(file.actions())
    file.connection.close()
    assert len(left) < 6_000
    assert _found(pages) == {row.mono_s for row in left}
    assert (BUCKET.to_bytes(4) in pages) == any(row.bucket for row in left)


def _row(i):
    bucket = BUCKET if i % 7 == 3 else 0
    return StoredAction(
        i % 400, i % 3, 1, NOON + i, stream=1 << i % 3, mono_s=MARK + i, bucket=bucket
    )


def test_a_stretch_of_a_file_never_disturbed_is_forgotten_without_writing_it_anew(tmp_path):
    file = DayFile(open_database(tmp_path / "2026-11-20.db", KEY, create=True))
    file.append([_row(i) for i in range(2_000)])
    file.delete(Selection("range", NOON + 1_500))
    assert file.connection.execute("SELECT actions, due FROM moved") == [(2_000, 0)]
    file.append([_row(i) for i in range(2_000, 2_100)])
    file.delete(Selection("range", NOON + 2_050))
    assert file.connection.execute("SELECT due FROM moved") == [(0,)]
    file.delete(Selection("range", NOON + 100, NOON + 110))  # where rows may have moved
    assert file.connection.execute("SELECT actions, due FROM moved") == [(0, 0)]
    file.connection.close()


def test_what_a_full_disk_put_off_is_done_when_days_are_looked_after(tmp_path):
    vault, _ = new_vault(tmp_path / "home")
    vault.append([_row(i) for i in range(300)])
    file = vault.day(vault.days()[0])
    file.connection.execute("UPDATE moved SET due = 1")
    vault.retire(NOON)
    assert file.connection.execute("SELECT due FROM moved") == [(0,)]
    assert file.counts().actions == 300
    vault.close()


def _some(chances):
    start = NOON + chances.randrange(1_500)
    ids = tuple(chances.sample(range(1, 6_000), 40))
    return chances.choice(
        [
            Selection("range", start, start + chances.randrange(400)),
            Selection("app", app=2, start=start, end=start + 300),
            Selection("stream", stream=2, start=start, end=start + 300),
            Selection("rows", actions=ids, thumbs=ids[:3]),
        ]
    )


def _thumb(number, row):
    return StoredThumb(b"\xee\xdd" + number.to_bytes(6) + bytes(1144), row.app, row.at)


def _found(pages):
    head, found, at = MARK.to_bytes(6)[:3], set(), 0
    while (at := pages.find(head, at)) >= 0:
        found.add(int.from_bytes(pages[at : at + 6]))
        at += 1
    return found


def _pictures(pages):
    head, found, at = b"\xee\xdd", set(), 0
    while (at := pages.find(head, at)) >= 0:
        if pages[at + 8 : at + 40] == bytes(32):
            found.add(pages[at : at + 8])
        at += 1
    return found
