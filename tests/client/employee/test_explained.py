"""Every column of a stored row is explained, and no other."""

import pytest

from deskbound_client.capture.signals import KEYS, POINTER, SIGNALS
from deskbound_client.employee.explained import columns_of, signal_of
from deskbound_client.employee.stored import Query, find
from deskbound_client.store.rows import THUMB_BYTES, StoredAction, StoredThumb
from tests.helpers.store import DAY, NOON, new_vault


@pytest.fixture
def vault(tmp_path):
    made, _ = new_vault(tmp_path / "home")
    with made:
        made.append(
            [
                StoredAction(3, 2, 4, NOON, stream=KEYS, mono_s=77, boot=9),
                StoredAction(5, 0, 8, NOON + 1, stream=POINTER, bucket=4711, fx=0, fy=15),
                StoredThumb(bytes(THUMB_BYTES), 2, NOON + 2),
            ]
        )
        yield made


@pytest.mark.parametrize(("table", "kind"), [("actions", ""), ("thumbs", "picture")])
def test_the_columns_are_those_of_the_day_file(vault, table, kind):
    stored = [row[1] for row in vault.day(DAY).connection.execute(f"PRAGMA table_info({table})")]
    for hit in find(vault, Query(kind=kind)).hits:
        assert {column.name for column in columns_of(hit)} == set(stored)


def test_each_value_is_the_one_that_is_stored(vault):
    (file,) = [vault.day(DAY)]
    for hit in find(vault, Query()).hits:
        names = [column.name for column in columns_of(hit) if column.name != "boot"]
        (row,) = file.connection.execute(
            f"SELECT {', '.join(names)} FROM actions WHERE id = ?", (hit.id,)
        )
        shown = {column.name: column.value for column in columns_of(hit)}
        assert {name: shown[name] for name in names} == {
            name: str(value) for name, value in zip(names, row, strict=True)
        }


def test_what_is_not_kept_is_said_so(vault):
    pointer, keys = find(vault, Query()).hits
    of_keys = {column.name: column.words for column in columns_of(keys)}
    of_pointer = {column.name: column.words for column in columns_of(pointer)}
    assert (of_keys["fx"], of_keys["fy"]) == ("not kept", "not kept")
    assert (of_pointer["fx"], of_pointer["fy"]) == ("1 of 16 across", "16 of 16 down")
    assert of_pointer["gap"] == "not kept"
    assert "name is not kept" in of_pointer["bucket"]
    assert "known" in of_keys["bucket"]


def test_the_signal_is_the_one_it_was_kept_under(vault):
    pointer, keys = find(vault, Query()).hits
    (picture,) = find(vault, Query(kind="picture")).hits
    names = [signal_of(hit).name for hit in (keys, pointer, picture)]
    assert names == ["keys", "pointer", "screen"]


def test_every_agreement_that_is_named_exists(vault):
    names = {signal.name for signal in SIGNALS} | {""}
    for kind in ("", "picture"):
        for hit in find(vault, Query(kind=kind)).hits:
            assert {column.stream for column in columns_of(hit)} <= names


def test_a_row_of_no_stream_has_no_signal(vault):
    vault.append([StoredAction(3, 2, 4, NOON + 5)])
    (hit, *_) = find(vault, Query()).hits
    assert hit.stream == ""
    assert signal_of(hit) is None
    assert columns_of(hit)
