"""What has the keyboard: whatever the programs say and in whatever order, a password stays one."""

from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.capture.attention import (
    BACKOFF_SECONDS,
    PASSWORD_TEXT,
    TOGETHER_SECONDS,
    Attention,
    Field,
    Frame,
)

ENTRY, DOCUMENT = 79, 95
FIELD = Field("a", "/1", 10, ENTRY)
SECRET = Field("a", "/2", 10, PASSWORD_TEXT)
FRAME = Frame("a", "/0", 10, private=False)


def test_nothing_said_is_nothing_known():
    assert Attention().password(10, 0) is None
    assert Attention().private(10) is None


def test_after_connecting_it_counts_as_a_password_until_there_is_news():
    for news in (
        lambda found: found.moved(0),
        lambda found: found.focused(FIELD, 0),
        lambda found: found.activated(FRAME, 0),
        lambda found: found.lost(),
    ):
        attention = Attention()
        attention.unsure()
        assert attention.password(10, 0) is True
        news(attention)
        assert attention.password(10, 0) is not True


def test_a_program_that_only_just_joined_is_closed_until_it_says_what_has_the_keyboard():
    for said in (
        lambda found: found.focused(FIELD, 0),
        lambda found: found.activated(FRAME, 0),
        lambda found: found.gone("a", 0),
        lambda found: found.lost(),
    ):
        attention = Attention()
        attention.focused(Field("b", "/1", 11, ENTRY), 0)
        attention.joined("a", 10)
        assert attention.password(10, 0) is True
        assert attention.password(11, 0) is False, "another program is not held up by it"
        assert attention.password(0, 0) is None
        said(attention)
        assert attention.password(10, 0) is not True


def test_what_another_program_says_does_not_open_the_one_that_joined():
    attention = Attention()
    attention.joined("a", 10)
    attention.focused(Field("b", "/1", 11, ENTRY), 0)
    attention.moved(0)
    assert attention.password(10, 0) is True


def test_an_entry_of_the_active_program_is_none_and_of_another_tells_nothing():
    attention = Attention()
    attention.focused(FIELD, 0)
    assert attention.password(10, 0) is False
    assert attention.password(11, 0) is None
    assert attention.password(0, 0) is None


def test_a_page_with_the_keyboard_tells_nothing():
    attention = Attention()
    attention.focused(Field("a", "/1", 10, DOCUMENT), 0)
    assert attention.password(10, 0) is None


def test_a_password_field_counts_for_every_program_and_a_moment_longer():
    attention = Attention()
    attention.focused(SECRET, 0)
    assert attention.password(10, 100) is attention.password(11, 100) is True
    attention.focused(FIELD, 100)
    assert attention.password(10, 100 + BACKOFF_SECONDS - 0.01) is True
    assert attention.password(10, 100 + BACKOFF_SECONDS) is False


def test_a_window_that_is_left_and_come_back_to_still_has_its_password_field():
    attention = Attention()
    attention.activated(FRAME, 0)
    attention.focused(SECRET, 0)
    attention.deactivated("a", "/0", 10)
    assert attention.password(99, 20) is None
    attention.activated(FRAME, 30)
    assert attention.password(10, 100) is True


def test_a_private_window_is_told_for_its_own_program_while_it_is_active():
    attention = Attention()
    attention.activated(Frame("a", "/0", 10, private=True), 0)
    assert attention.private(10) is True
    assert attention.private(11) is None
    attention.deactivated("a", "/other", 0)
    assert attention.private(10) is True
    attention.deactivated("a", "/0", 0)
    assert attention.private(10) is None


def test_what_was_said_of_a_window_tells_nothing_of_the_next_one_of_the_same_program():
    attention = Attention()
    attention.activated(FRAME, 0)
    attention.focused(FIELD, 0)
    attention.moved(10)
    assert (attention.password(10, 10), attention.private(10)) == (None, None)
    attention.activated(FRAME, 11)
    attention.focused(FIELD, 11)
    assert (attention.password(10, 11), attention.private(10)) == (False, False)
    attention.moved(11 + TOGETHER_SECONDS)
    assert (attention.password(10, 12), attention.private(10)) == (False, False), "told together"


def test_a_private_window_and_a_password_field_close_however_long_ago_they_were_told():
    attention = Attention()
    attention.activated(Frame("a", "/0", 10, private=True), 0)
    attention.focused(SECRET, 0)
    attention.moved(10)
    assert (attention.password(10, 10), attention.private(10)) == (True, True)


def test_a_program_that_ended_tells_nothing():
    attention = Attention()
    attention.activated(FRAME, 0)
    attention.focused(FIELD, 0)
    attention.gone("a", 0)
    assert (attention.password(10, 0), attention.private(10)) == (None, None)


senders = st.sampled_from(["a", "b"])
things = st.sampled_from(["/0", "/1", "/2"])
roles = st.sampled_from([PASSWORD_TEXT, ENTRY, DOCUMENT])
pids = {"a": 10, "b": 11}
news = st.lists(
    st.one_of(
        st.tuples(st.just("focused"), senders, things, roles),
        st.tuples(st.just("unfocused"), senders, things),
        st.tuples(st.just("activated"), senders, things),
        st.tuples(st.just("deactivated"), senders, things),
        st.tuples(st.just("gone"), senders),
        st.tuples(st.just("joined"), senders),
    ),
    max_size=20,
)


def tell(attention, what, sender, *more, now):
    match what, more:
        case "focused", (thing, role):
            attention.focused(Field(sender, thing, pids[sender], role), now)
        case "activated", (thing,):
            attention.activated(Frame(sender, thing, pids[sender], None), now)
        case "gone", ():
            attention.gone(sender, now)
        case "joined", ():
            attention.joined(sender, pids[sender])
        case _:
            getattr(attention, what)(sender, *more, now)


@given(earlier=news, sender=senders, thing=things)
def test_whatever_was_said_before_a_focused_password_field_closes(earlier, sender, thing):
    attention = Attention()
    for now, (what, *rest) in enumerate(earlier):
        tell(attention, what, *rest, now=now)
    tell(attention, "focused", sender, thing, PASSWORD_TEXT, now=50)
    assert all(attention.password(pid, 1_000) is True for pid in (0, 10, 11))


@given(said=news)
def test_it_is_called_no_password_only_where_the_last_focus_was_a_plain_field_of_that_program(said):
    attention, last = Attention(), None
    for now, (what, *rest) in enumerate(said):
        tell(attention, what, *rest, now=now)
        last = (rest[0], rest[2]) if what == "focused" else last
    for sender, pid in pids.items():
        if attention.password(pid, 1_000) is False:
            assert last == (sender, ENTRY)
