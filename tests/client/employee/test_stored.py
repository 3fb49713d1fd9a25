"""What is stored, to be found: every search gives exactly what reading everything would give."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskbound_client.capture.signals import KEYS, POINTER, WINDOWS
from deskbound_client.employee import stored
from deskbound_client.employee.stored import Query
from deskbound_client.employee.words import words_of
from deskbound_client.store.rows import StoredAction, StoredGap, StoredThumb
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.vocabulary import (
    APP_OTHER,
    APPS,
    Kind,
    key_argument,
    shortcut_argument,
    token_of,
)
from tests.helpers.store import DAY, DAY_SECONDS, NOON, new_vault

COPY = token_of(Kind.SHORTCUT, shortcut_argument("ctrl+c"))
ENTER = token_of(Kind.KEY, key_argument("enter"))
CLICK = token_of(Kind.CLICK, 0)
TO_BROWSER = token_of(Kind.SWITCH, APPS.index("browser"))
BROWSER, MAIL = APPS.index("browser"), APPS.index("mail")
YESTERDAY = DAY - timedelta(1)
_SORTS = (
    (COPY, BROWSER, 0, KEYS), (ENTER, MAIL, 0, KEYS), (CLICK, MAIL, 0, POINTER),
    (TO_BROWSER, BROWSER, 0, WINDOWS), (CLICK, APP_OTHER, 77, POINTER),
)  # fmt: skip


@pytest.fixture(scope="module")
def vault(tmp_path_factory):
    """Two days of eight hours, the second partly generated, with pictures."""
    made, _ = new_vault(tmp_path_factory.mktemp("stored") / "home")
    for back in (1, 0):
        start = NOON - back * DAY_SECONDS - 4 * 3600
        rows: list = []
        for i in range(600):
            token, app, bucket, stream = _SORTS[i * i % 5]
            more = {"bucket": bucket, "stream": stream, "source": int(back == 0 and i > 400)}
            rows.append(StoredAction(token, app, i % 9, start + i * 48, **more))
        rows += [StoredThumb(bytes(1152), MAIL, start + i * 900) for i in range(20)]
        made.append([*rows, StoredGap(start, start + 5, "idle")])
    yield made
    made.close()


def everything(vault: Vault):
    return [
        (day, i, row) for day in vault.days() for i, row in enumerate(vault.day(day).actions(), 1)
    ]


def newest_first(rows):
    return sorted(rows, key=lambda each: (each[0], each[2].at // 3600, each[1]), reverse=True)


queries = st.builds(
    Query,
    first=st.sampled_from([None, YESTERDAY, DAY]),
    last=st.sampled_from([None, YESTERDAY, DAY]),
    hour=st.sampled_from([None, None, NOON, NOON - DAY_SECONDS + 3600]),
    kind=st.sampled_from(["", "", "click", "switch", "shortcut", "drag"]),
    app=st.sampled_from(["", "", "mail", "browser", "#77", "other", "other #77", "cad"]),
    stream=st.sampled_from(["", "", "keys", "windows"]),
    source=st.sampled_from(["", "", "captured", "generated"]),
    text=st.sampled_from(["", "", "ctrl+c", "browser", "mail click", "pressed", "nothing such"]),
    offset=st.sampled_from([0, 0, 1, 50, 700]),
    limit=st.sampled_from([50, 1, 0, 2000]),
)
_BITS = {"keys": KEYS, "windows": WINDOWS}
_NAMES = {"captured": 0, "generated": 1}


def fits(query, day, row):
    name = APPS[row.app] + (f" #{row.bucket}" if row.bucket else "")
    kind = stored.KINDS[{COPY: 2, ENTER: 1, CLICK: 3, TO_BROWSER: 11}[row.token]]
    words = f"{words_of(row.token)} {kind}".replace(",", "").split()
    return (
        (query.first is None or day >= query.first)
        and (query.last is None or day <= query.last)
        and (query.hour is None or row.at // 3600 == query.hour // 3600)
        and query.kind in ("", kind)
        and (not query.app or query.app in (name, APPS[row.app], f"#{row.bucket}"))
        and (not query.stream or row.stream == _BITS[query.stream])
        and (not query.source or row.source == _NAMES[query.source])
        and all(
            any(word.startswith(each) for word in words) or APPS[row.app].startswith(each)
            for each in query.text.split()
        )
    )


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(queries)
def test_a_search_gives_what_reading_everything_gives(vault, query):
    found = stored.find(vault, query)
    expected = newest_first(each for each in everything(vault) if fits(query, each[0], each[2]))
    assert found.total == len(expected)
    hits = [(hit.day, hit.id, hit.row) for hit in found.hits]
    assert hits == expected[query.offset : query.offset + query.limit]
    assert found.facets.days == dict(sorted(Counter(day for day, _, _ in expected).items()))
    assert found.facets.apps == dict(Counter(APPS[row.app] for _, _, row in expected))
    hours = Counter(row.at // 3600 * 3600 for _, _, row in expected)
    assert found.facets.hours == dict(sorted(hours.items()))
    for names in (found.facets.kinds, found.facets.streams, found.facets.sources):
        assert sum(names.values()) == found.total


def test_pictures_are_found_by_their_kind(vault):
    found = stored.find(vault, Query(kind="picture", text="mail", limit=3))
    assert (found.total, len(found.hits)) == (40, 3)
    assert [hit.row.at for hit in found.hits] == sorted(
        (hit.row.at for hit in found.hits), reverse=True
    )
    first = found.hits[0]
    assert (first.is_picture, first.app, first.stream, first.kind) == (
        True, "mail", "screen", "picture",
    )  # fmt: skip
    assert stored.picture(vault, first.day, first.id) == first
    assert stored.find(vault, Query(kind="picture", offset=39)).hits[0].day == YESTERDAY
    assert stored.find(vault, Query(text="mail")).pictures == 40
    assert stored.find(vault, Query(kind="picture", app="#77")).total == 0


def test_a_hit_says_what_it_is_in_plain_words(vault):
    (hit,) = stored.find(vault, Query(text="ctrl+c browser", limit=1)).hits
    assert (hit.words, hit.app, hit.kind, hit.stream) == (
        "pressed ctrl+c", "browser", "shortcut", "keys",
    )  # fmt: skip
    assert hit.source in ("captured", "generated")
    assert stored.action(vault, hit.day, hit.id) == hit
    (odd,) = stored.find(vault, Query(app="#77", limit=1)).hits
    assert odd.app == "other #77"


def test_a_row_that_is_gone_is_not_found(vault):
    for look in (stored.action, stored.picture):
        with pytest.raises(NotFoundError):
            look(vault, DAY, 100_000)


@pytest.mark.parametrize(
    "query", [Query(kind="scream"), Query(app="my diary"), Query(stream="x"), Query(source="y")]
)
def test_what_does_not_exist_is_said(vault, query):
    with pytest.raises(ConfigError, match="no such"):
        stored.find(vault, query)


@given(st.text(max_size=40))
def test_no_text_reaches_the_database(vault, text):
    where = stored.actions_where(Query(text=text))
    assert set(where) <= set("token app IN AND OR ( ) , 0123456789 =")


def test_a_line_for_each_day(vault):
    first, second = stored.days(vault)
    assert (first.day, first.actions, first.thumbnails, first.gaps) == (YESTERDAY, 600, 20, 1)
    assert second.sources == {"captured": 401, "generated": 199}
    assert sum(second.hours.values()) == 600
    assert second.bytes > 4096


def test_a_damaged_day_hides_no_other(tmp_path):
    made, keystore = new_vault(tmp_path / "home")
    made.append(
        [StoredAction(COPY, MAIL, 1, NOON), StoredAction(COPY, MAIL, 1, NOON - DAY_SECONDS)]
    )
    made.close()
    (tmp_path / "home" / "days" / f"{YESTERDAY}.db").write_bytes(b"\x07" * 8192)
    with Vault.open(tmp_path / "home", keystore) as again:
        found = stored.find(again, Query())
        assert (found.total, found.unreadable) == (1, (YESTERDAY,))
        assert [line.readable for line in stored.days(again)] == [False, True]
