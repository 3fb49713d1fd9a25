"""Which replies count. Pure: a decision from the contract and the reply, with a closed reason.

None of this protects a laptop (that is done on the laptop, before anything is sent); it protects
the shared model from replies that are old, broken or out of all proportion.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from deskbound_server.receipts import Receipts
from deskbound_strategies.aggregation import norm
from deskbound_strategies.codec import Layout, Tensors, decode, encoded_size
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.wire import Reply


class AdmissionCode(StrEnum):
    """Why a well-formed reply does not count."""

    CLIENT_VERSION = "client-version"
    OTHER_CONTRACT = "other-contract"
    RECEIPT = "receipt"
    SHAPE = "shape"
    NOT_FINITE = "not-finite"
    NORM = "norm"


@dataclass(frozen=True, slots=True)
class Admission:
    """What this round admits.

    Attributes:
        contract: the round's terms.
        layout: the task's tensors.
        norm_bound: largest L2 norm of an update that counts.
        receipts: takes the receipts of what laptops released, whether or not it counts here.
    """

    contract: RoundContract
    layout: Layout
    norm_bound: float
    receipts: Receipts

    @property
    def max_update_bytes(self) -> int:
        """Size of an update; a message with more is not even decoded."""
        return encoded_size(self.layout)

    def __call__(self, node: int, reply: Reply) -> "Tensors | AdmissionCode":
        """Return the decoded update of a laptop, or why it does not count."""
        if reply.contract_digest != self.contract.digest():
            return AdmissionCode.OTHER_CONTRACT
        if not self.receipts.take(node, reply):
            return AdmissionCode.RECEIPT
        if not self._version_fits(reply.client_version):
            return AdmissionCode.CLIENT_VERSION
        try:
            update = decode(reply.update, self.layout)
        except Refusal as refusal:
            finite = refusal.code is not RefusalCode.WEIGHTS_NOT_FINITE
            return AdmissionCode.SHAPE if finite else AdmissionCode.NOT_FINITE
        return update if norm(update) <= self.norm_bound else AdmissionCode.NORM

    def _version_fits(self, version: str) -> bool:
        lowest, below = self.contract.client_version_min, self.contract.client_version_below
        return version_key(lowest) <= version_key(version) < version_key(below)


def version_key(version: str) -> tuple[int, int, int]:
    """Return a sortable key of a version ``a.b.c``.

    Raises:
        ValueError: for anything else.
    """
    if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4}){2}", version) is None:
        raise ValueError("a version has three numbers")
    major, minor, patch = (int(part) for part in version.split("."))
    return major, minor, patch
