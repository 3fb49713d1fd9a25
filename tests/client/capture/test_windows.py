import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.capture.windows import Classifier
from deskbound_strategies.vocabulary import APP_OTHER, APPS

LETTERS = st.text(st.characters(codec="utf-8"), max_size=20)


def bucket_of(name: str) -> int:
    return 1 + len(name)


@pytest.mark.parametrize(
    ("names", "category"),
    [
        (("xterm", "XTerm"), "terminal"),
        (("Navigator", "firefox"), "browser"),
        (("libreoffice", "libreoffice-calc"), "spreadsheet"),
        (("Mail", "thunderbird"), "mail"),
    ],
)
def test_known_programs_have_a_category_and_no_number(names, category):
    found = Classifier(bucket_of).classify(*names)
    assert (APPS[found.app], found.bucket, found.excluded) == (category, 0, False)


def test_unknown_programs_have_a_number_and_no_category():
    found = Classifier(bucket_of).classify("mydiary", "MyDiary")
    assert (found.app, found.bucket, found.excluded) == (APP_OTHER, 8, False)


@pytest.mark.parametrize("names", [("keepassxc", "KeePassXC"), ("x", "1Password"), ("i3lock", "")])
def test_keepers_of_secrets_are_always_excluded(names):
    assert Classifier(bucket_of).classify(*names).excluded


@pytest.mark.parametrize("rule", ["slack", "Slack*", "chat", "*LACK"])
def test_the_employee_excludes_by_name_pattern_or_category(rule):
    classifier = Classifier(bucket_of, (rule,))
    assert classifier.classify("slack", "Slack").excluded
    assert not classifier.classify("xterm", "XTerm").excluded


@given(instance=LETTERS, program=LETTERS, others=st.lists(LETTERS, max_size=5))
def test_an_excluded_name_stays_excluded_whatever_else_is_listed(instance, program, others):
    # "[" would begin a set of characters; a literal one is written "[[]".
    literal = "".join(f"[{c}]" if c in "[*?" else c for c in program)
    if literal:
        classifier = Classifier(bucket_of, (*others, literal))
        assert classifier.classify(instance, program).excluded
