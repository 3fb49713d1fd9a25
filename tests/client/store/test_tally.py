"""The tally: whatever is stored and forgotten in whatever order, it says exactly what is there."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskbound_client.store import tally as tallies
from deskbound_client.store.cipher import open_database
from deskbound_client.store.days import DayFile
from deskbound_client.store.rows import Counts, StoredAction
from deskbound_client.store.search import newest_actions
from deskbound_client.store.selection import Selection
from deskbound_client.store.tally import HOUR, SPOT_ROWS
from deskbound_strategies.vocabulary import Kind, token_of

KEY = bytes(range(32))
START = 495_000 * HOUR


@pytest.fixture
def path(tmp_path):
    return tmp_path / "2026-11-20.db"


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Groups and spots so small that a few rows reach their edges."""
    monkeypatch.setattr(tallies, "MOST_AT_ONCE", 7)
    monkeypatch.setattr("deskbound_client.store.days.FOLD_ROWS", 5)


def group(row):
    return (row.at // HOUR, row.token, row.app, row.bucket, row.stream, row.source)


def counted(file):
    """What the tally says, rows that are not counted yet included."""
    columns = ("hour", "token", "app", "bucket", "stream", "source")
    return [file.tally.by(column, "1") for column in columns]


def true_counts(file):
    rows = [group(row) for row in file.actions()]
    return [dict(Counter(row[i] for row in rows)) for i in range(6)]


rows = st.builds(
    StoredAction,
    token=st.sampled_from([1, 2, token_of(Kind.SWITCH, 1)]),
    app=st.integers(0, 2) | st.just(39),
    gap=st.integers(0, 8),
    at=st.integers(START - 20, START + 3 * HOUR + 20)
    | st.sampled_from([START - 1, START, START + HOUR - 1, START + HOUR]),
    bucket=st.sampled_from([0, 0, 5]),
    stream=st.sampled_from([1, 2, 4]),
)
moments = st.integers(START - 30, START + 3 * HOUR + 30) | st.sampled_from(
    [START, START + HOUR - 1, START + HOUR, START + 2 * HOUR - 1]
)
selections = st.one_of(
    st.builds(lambda a, b: Selection("range", min(a, b), max(a, b)), moments, moments),
    st.builds(lambda app: Selection("app", app=app), st.integers(0, 2)),
    st.builds(lambda app, end: Selection("app", app=app, end=end), st.integers(0, 2), moments),
    st.just(Selection("app", bucket=5)),
    st.builds(lambda bit: Selection("stream", stream=bit), st.sampled_from([1, 2])),
    st.just(Selection("stream", stream=4, blank="app")),
    st.just(Selection("stream", blank="gap")),
    st.builds(
        lambda ids: Selection("rows", actions=tuple(ids)), st.lists(st.integers(0, 40), max_size=4)
    ),
)
steps = st.one_of(
    st.lists(rows, min_size=1, max_size=9),
    selections,
    selections.map(lambda wanted: (wanted,)),  # in small steps, as on a full disk
    st.sampled_from(["settle", "open again"]),
)


def meant(wanted, number, row):
    """Whether a selection means a row, said independently of any SQL."""
    if wanted.scope == "rows":
        return number in wanted.actions
    if not wanted.start <= row.at <= wanted.end:
        return False
    if wanted.scope == "range":
        return True
    if wanted.scope == "stream":
        return bool(wanted.stream) and row.stream == wanted.stream
    if wanted.bucket:
        return row.bucket == wanted.bucket
    return row.app == wanted.app or row.token == token_of(Kind.SWITCH, wanted.app)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(steps, max_size=14))
def test_it_says_what_is_there_whatever_was_stored_and_forgotten(tmp_path_factory, what):
    path = tmp_path_factory.mktemp("tally") / "2026-11-20.db"
    file = DayFile(open_database(path, KEY, create=True))
    for step in what:
        if step == "settle":
            file.settle()
            assert not file.tally.behind
        elif step == "open again":
            file.connection.close()
            file = DayFile(open_database(path, KEY))
        elif isinstance(step, list):
            file.append(step)
        else:
            forget(file, step)
        assert counted(file) == true_counts(file)
        assert file.counts().actions == sum(1 for _ in file.actions())
    file.connection.close()


def forget(file, step):
    wanted, sparingly = (step[0], True) if isinstance(step, tuple) else (step, False)
    before = numbered(file)
    expected = {number: row for number, row in before.items() if not meant(wanted, number, row)}
    foreseen = file.matching(wanted)
    gone = (file.delete_sparingly if sparingly else file.delete)(wanted)
    assert gone == foreseen
    assert gone.actions == len(before) - len(expected)
    assert list(numbered(file)) == list(expected)


def numbered(file):
    ids = [row[0] for row in file.connection.execute("SELECT id FROM actions ORDER BY id")]
    return dict(zip(ids, file.actions(), strict=True))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(rows, max_size=60),
    st.sampled_from(["1", "app = 1", "token = 1 AND stream = 2", "hour = 495001", "bucket = 5"]),
    st.integers(0, 70),
    st.booleans(),
)
def test_the_newest_are_found_whatever_is_skipped(tmp_path_factory, stored, where, skip, settle):
    file = DayFile(
        open_database(tmp_path_factory.mktemp("search") / "2026-11-20.db", KEY, create=True)
    )
    file.append(stored)
    if settle:
        file.settle()
    fits = {
        "1": lambda row: True,
        "app = 1": lambda row: row.app == 1,
        "token = 1 AND stream = 2": lambda row: (row.token, row.stream) == (1, 2),
        "hour = 495001": lambda row: row.at // HOUR == 495001,
        "bucket = 5": lambda row: row.bucket == 5,
    }[where]
    fitting = [(i, row) for i, row in enumerate(stored, 1) if fits(row)]
    newest = sorted(fitting, key=lambda each: (each[1].at // HOUR, each[0]), reverse=True)
    assert list(newest_actions(file, where, skip)) == newest[skip:]
    file.connection.close()


def test_a_number_is_never_given_twice_once_it_was_counted(path):
    file = DayFile(open_database(path, KEY, create=True))
    file.append([StoredAction(1, 1, 1, START + i) for i in range(10)])
    file.delete(Selection("range", START + 4, START + 9))
    file.append([StoredAction(2, 1, 1, START + 20)])
    assert list(numbered(file)) == [1, 2, 3, 4, 11]
    file.connection.close()


def test_a_commit_that_is_not_wanted_counts_nothing(path):
    file = DayFile(open_database(path, KEY, create=True))
    stored = [StoredAction(1, 1, 1, START + i) for i in range(10)]
    assert not file.append(stored, still_wanted=lambda: False)
    assert counted(file) == [{}] * 6
    assert file.counts() == Counts()
    file.connection.close()


def test_rare_rows_of_a_long_hour_are_found_through_their_spots(path):
    file = DayFile(open_database(path, KEY, create=True))
    rare = {3, 4_000, 130_000, 139_999}  # the third lies where spots begin to repeat
    file.append([StoredAction(7 if i in rare else 1, 1, 1, START) for i in range(1, 140_001)])
    file.settle()
    for skip in range(5):
        found = [number for number, _ in newest_actions(file, "token = 7", skip)]
        assert found == sorted(rare)[::-1][skip:]
    file.connection.close()


def test_a_page_far_down_is_the_same_as_reading_on_to_it(path):
    file = DayFile(open_database(path, KEY, create=True))
    file.append([StoredAction(1 + i % 2, 1, 1, START + i // 3) for i in range(3 * SPOT_ROWS)])
    for settled in (False, True):
        if settled:
            file.settle()
        for where in ("1", "token = 2"):
            newest = list(newest_actions(file, where, 0))
            spot = SPOT_ROWS if where == "1" else SPOT_ROWS // 2
            for skip in (1, spot - 1, spot, spot + 1, 2 * spot, len(newest) - 1, len(newest)):
                assert list(newest_actions(file, where, skip)) == newest[skip:]
    file.connection.close()


def test_one_reading_counts_as_one_for_each_column_does(path):
    file = DayFile(open_database(path, KEY, create=True))
    file.append([StoredAction(i % 7, i % 3, 1, START + i * 9) for i in range(2_000)])
    columns = ("token", "app", "stream", "source", "hour")
    for where in ("1", "app = 2", "token = 3 AND app = 1", "0"):
        assert file.tally.by_each(columns, where) == [
            file.tally.by(column, where) for column in columns
        ]
        assert file.tally.total(where) == sum(file.tally.by("app", where).values())
    file.connection.close()
