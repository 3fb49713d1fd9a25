import numpy as np
import pytest

from deskbound_server.admission import Admission, AdmissionCode, version_key
from deskbound_server.receipts import Receipts
from deskbound_strategies.codec import TensorSpec, encode
from deskbound_strategies.wire import Reply
from tests.helpers.log import Pen
from tests.helpers.server import new_plan

LAYOUT = (TensorSpec("w", (3, 4)), TensorSpec("b", ()))


@pytest.fixture(scope="module")
def contract():
    return new_plan().contract(
        run="0" * 32,
        number=1,
        vocabulary_hash="a" * 64,
        model_hash="b" * 64,
        anchors="c" * 64,
        issued=1,
    )


def update(value: float = 0.5, layout=LAYOUT) -> bytes:
    return encode({s.name: np.full(s.shape, value, np.float32) for s in layout}, layout)


def judge(contract, node, *, bound=10.0, **changes):
    pen = Pen()
    receipts = Receipts(contract.digest(), {7: pen.anchor}, {pen.anchor: 3})
    terms = {
        "contract_digest": contract.digest(), "client_version": "0.1.0", "update": update(),
        "receipt": pen.receipt(contract.digest(), count=4),
    }  # fmt: skip
    return Admission(contract, LAYOUT, bound, receipts)(node, Reply(**(terms | changes)))


def poisoned(value: float) -> bytes:
    data = bytearray(update())
    data[-4:] = np.float32(value).tobytes()
    return bytes(data)


def test_an_honest_reply_is_decoded(contract):
    admitted = judge(contract, 7, client_version="0.1.7")
    assert not isinstance(admitted, AdmissionCode)
    np.testing.assert_array_equal(admitted["w"], np.full((3, 4), 0.5))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"contract_digest": "ab" * 32}, AdmissionCode.OTHER_CONTRACT),
        ({"client_version": "0.0.9"}, AdmissionCode.CLIENT_VERSION),
        ({"client_version": "0.2.0"}, AdmissionCode.CLIENT_VERSION),
        ({"client_version": "0.10.0"}, AdmissionCode.CLIENT_VERSION),
        ({"receipt": b""}, AdmissionCode.RECEIPT),
        ({"receipt": Pen(2).receipt("ab" * 32, count=4)}, AdmissionCode.RECEIPT),
        ({"update": b""}, AdmissionCode.SHAPE),
        ({"update": update()[:-1]}, AdmissionCode.SHAPE),
        ({"update": update() + b"\0"}, AdmissionCode.SHAPE),
        ({"update": b"\0" * len(update())}, AdmissionCode.SHAPE),
        (
            {"update": update(layout=(TensorSpec("w", (4, 3)), TensorSpec("b", ())))},
            AdmissionCode.SHAPE,
        ),
        ({"update": poisoned(np.nan)}, AdmissionCode.NOT_FINITE),
        ({"update": poisoned(np.inf)}, AdmissionCode.NOT_FINITE),
        ({"update": poisoned(-np.inf)}, AdmissionCode.NOT_FINITE),
        ({"update": poisoned(10.5)}, AdmissionCode.NORM),
        ({"update": poisoned(3e38)}, AdmissionCode.NORM),
    ],
)
def test_each_fault_has_its_code(contract, changes, code):
    assert judge(contract, 7, **changes) is code


def test_the_norm_bound_is_inclusive(contract):
    reached = judge(contract, 7, bound=13**0.5, update=update(1.0))
    assert not isinstance(reached, AdmissionCode)
    assert judge(contract, 7, bound=13**0.5 - 1e-9, update=update(1.0)) is AdmissionCode.NORM


def test_versions_compare_by_number():
    assert version_key("0.9.0") < version_key("0.10.0") < version_key("1.0.0")
    for wrong in ("1.0", "1.0.0.0", "1.0.x", "-1.0.0", "1.0.0 "):
        with pytest.raises(ValueError, match="three numbers"):
            version_key(wrong)
