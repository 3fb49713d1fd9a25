import re

import pytest

from deskbound_strategies import errors
from deskbound_strategies.errors import DeskboundError, Refusal, RefusalCode

FAMILY = [
    cls
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, DeskboundError) and cls is not DeskboundError
]


def test_exit_codes_are_distinct_and_those_the_module_documents():
    documented = dict(re.findall(r"(\w+)\s{2,}(\d+) {2,}", errors.__doc__))
    documented["VerificationError"] = re.search(r"VerificationError +(\d+)", errors.__doc__)[1]
    assert {cls.__name__: cls.exit_code for cls in FAMILY} == {
        name: int(code) for name, code in documented.items()
    }
    assert len({cls.exit_code for cls in FAMILY}) == len(FAMILY)


@pytest.mark.parametrize("cls", [cls for cls in FAMILY if cls is not Refusal])
def test_an_error_is_a_sentence_and_a_mend(cls):
    error = cls("The vault is busy.", "Stop the other one.")
    assert (error.sentence, error.mend, str(error)) == (
        "The vault is busy.",
        "Stop the other one.",
        "The vault is busy.",
    )
    assert cls.__doc__


@pytest.mark.parametrize("code", RefusalCode)
def test_a_refusal_says_its_code_and_nothing_else(code):
    refusal = Refusal(code)
    assert refusal.code is code
    assert str(refusal) == f"Refused: {code.value}."
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code.value)


def test_no_refusal_code_tells_what_the_vault_holds():
    told = {"paused", "consent", "budget", "data", "empty", "idle", "locked", "units"}
    assert not any(told & set(code.value.split("-")) for code in RefusalCode)
