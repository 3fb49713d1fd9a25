import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskbound_client.store.cipher import open_database
from deskbound_client.store.days import DayFile
from deskbound_client.store.rows import (
    GAP_CAUSES,
    THUMB_BYTES,
    Counts,
    StoredAction,
    StoredGap,
    StoredThumb,
)
from deskbound_client.store.selection import Selection
from deskbound_strategies.vocabulary import APPS, GAP_UNKNOWN, TOKENS, Action
from tests.helpers.store import NOON, action, actions, plain_pages

KEY = bytes(range(32))


@pytest.fixture
def file(tmp_path):
    made = DayFile(open_database(tmp_path / "2026-11-20.db", KEY, create=True))
    yield made
    made.connection.close()


def rows():
    small = st.integers(0, 1000)
    return st.builds(
        StoredAction,
        token=st.integers(0, len(TOKENS) - 1),
        app=st.integers(0, len(APPS) - 1),
        gap=st.integers(0, GAP_UNKNOWN),
        at=st.integers(-(2**31), 2**40),
        stream=st.sampled_from([1, 2, 4, 8, 16]),
        bucket=st.integers(0, 1 << 16),
        fx=st.integers(-1, 15),
        fy=st.integers(-1, 15),
        mono_s=small,
        boot=st.integers(-(2**63), 2**63 - 1),
        source=st.sampled_from([0, 1, 2]),
    )


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(st.lists(rows(), max_size=6), max_size=4))
def test_what_goes_in_comes_out_in_order_whatever_the_clocks_say(file, batches):
    before = list(file.actions())
    for batch in batches:
        assert file.append(batch)
    assert list(file.actions()) == before + [row for batch in batches for row in batch]


def test_many_rows_are_read_in_pages_in_order(file):
    written = actions(10_001)
    file.append(written)
    assert list(file.actions()) == written
    assert file.counts() == Counts(10_001)


def test_a_slow_reader_sees_rows_that_come_later_and_blocks_no_journal(file):
    file.append(actions(5_000))
    reading = file.actions()
    next(reading)
    file.append(actions(3))
    assert file.connection.empty_journal()
    assert sum(1 for _ in reading) == 5_002


def test_thumbs_and_gaps_come_back(file):
    thumbs = [StoredThumb(bytes([i]) * THUMB_BYTES, i, NOON + i, i, 7, 1) for i in range(3)]
    gaps = [StoredGap(NOON, NOON + i, cause) for i, cause in enumerate(GAP_CAUSES)]
    file.append([], thumbs, gaps)
    assert list(file.thumbs()) == thumbs
    assert list(file.gaps()) == gaps
    assert file.counts() == Counts(0, 3, len(GAP_CAUSES))


def test_a_row_shows_the_action_the_model_reads():
    assert action(NOON, token=5).action == Action(5, 2, 3, NOON)


@pytest.mark.parametrize(
    "wrong",
    [{"token": len(TOKENS)}, {"token": -1}, {"app": len(APPS)}, {"gap": GAP_UNKNOWN + 1}],
)
def test_words_outside_the_vocabulary_are_refused(wrong):
    with pytest.raises(ValueError, match="not a"):
        StoredAction(**({"token": 1, "app": 1, "gap": 1, "at": 1} | wrong))


def test_causes_and_pictures_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="not a"):
        StoredGap(1, 2, "because of a title")
    with pytest.raises(ValueError, match="not a"):
        StoredThumb(b"text", 1, 1)


@pytest.mark.parametrize("field", ["at", "stream", "bucket", "fx"])
def test_a_text_can_not_be_smuggled_into_any_column(file, field):
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is, nothing is stored
        file.append(
            [
                action(NOON),
                StoredAction(**{"token": 1, "app": 1, "gap": 1, "at": NOON, field: "secret"}),
            ]
        )
    assert file.counts() == Counts()


def test_rows_no_longer_wanted_are_undone_just_before_the_commit(file):
    file.append(actions(2))
    asked = []

    def no():
        asked.append(file.counts())
        return False

    assert not file.append([action(boot=99)], still_wanted=no)
    assert asked == [Counts(3)]
    assert file.counts() == Counts(2)
    assert file.append([action(boot=99)])  # the boot's number was undone too
    assert [row.boot for row in file.actions()] == [0, 0, 99]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    times=st.lists(st.integers(0, 100), max_size=20),
    holes=st.lists(st.tuples(st.integers(0, 100), st.integers(0, 20)), max_size=5),
    start=st.integers(-5, 105),
    length=st.integers(0, 60),
    sparingly=st.booleans(),
)
def test_delete_takes_exactly_what_touches_the_range(file, times, holes, start, length, sparingly):
    file.delete(Selection("range", -1000, 1000))
    end = start + length
    gaps = [StoredGap(first, first + more, "lag") for first, more in holes]
    file.append([action(at) for at in times], [], gaps)
    kept = [at for at in times if not start <= at <= end]
    kept_gaps = [gap for gap in gaps if gap.ended < start or gap.started > end]
    gone = Counts(len(times) - len(kept), 0, len(gaps) - len(kept_gaps))
    if gone != Counts():
        assert file.touches(start, end)
    assert (file.delete_sparingly if sparingly else file.delete)(
        Selection("range", start, end)
    ) == gone
    assert [row.at for row in file.actions()] == kept
    assert list(file.gaps()) == kept_gaps


def test_a_file_is_passed_over_only_when_nothing_can_touch(file):
    assert not file.touches(-(2**60), 2**60)
    hour = 3_600
    file.append([action(2 * hour + 100)], [], [StoredGap(2 * hour + 150, 3 * hour + 300, "sleep")])
    spans = ((0, hour), (0, 2 * hour), (3 * hour, 3 * hour), (4 * hour + 1, 9 * hour))
    assert [file.touches(*span) for span in spans] == [
        False, True, True, False,
    ]  # fmt: skip


def test_deleted_rows_are_in_no_page_even_for_who_has_the_key(file):
    path = file.connection.path
    marked = [action(NOON + 10, bucket=0x5EC0DE, mono_s=0x7A7A7A7A) for _ in range(50)]
    marker = bytes.fromhex("5EC0DE")
    pixels = StoredThumb(b"\xc5\x1a" * (THUMB_BYTES // 2), 1, NOON + 10)
    file.append(actions(5000, NOON + 100) + marked + actions(5000, NOON + 100), [pixels])
    assert file.connection.empty_journal()
    shown = plain_pages(path, KEY)
    assert shown.count(marker) >= 50
    assert b"\xc5\x1a" * 400 in shown
    file.delete(Selection("range", NOON, NOON + 20))
    assert file.connection.empty_journal()
    shown = plain_pages(path, KEY)
    assert marker not in shown
    assert b"\xc5\x1a" * 8 not in shown
    assert (path.with_name(path.name + "-wal")).stat().st_size == 0
    assert file.counts() == Counts(10_000)
