"""Our messages inside Flower's: closed names, byte strings, and nothing else accepted.

    request   {"deskbound": {"contract": bytes, "proof": bytes, "weights": bytes}}
    reply     {"deskbound": {"contract_digest": str, "client_version": str, "update": bytes,
                             "receipt": bytes}}
    refusal   {"deskbound": {"refusal": str}}
    stop      {"deskbound": {"stop": bytes, "proof": bytes}}
    stopped   {"deskbound": {"stopped": str}}

Values are in a Flower ``ConfigRecord``. Never in an ``ArrayRecord``, which Flower inflates before
an app sees it (docs/adr/0006). A message with anything more, less or different is refused whole;
there are no optional fields to negotiate.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flwr.app import ConfigRecord, RecordDict

from deskbound_strategies.errors import LOCAL_ONLY, Refusal, RefusalCode
from deskbound_strategies.log_entries import MAX_RECEIPT_BYTES
from deskbound_strategies.round_proof import MAX_PROOF_BYTES
from deskbound_strategies.stop_order import MAX_ORDER_BYTES

RECORD = "deskbound"
# All that a server can say, and the fields of each. One asks, one stops; nothing starts or resumes.
REQUESTS: dict[str, frozenset[str]] = {
    "contract": frozenset({"contract", "proof", "weights"}),
    "stop": frozenset({"stop", "proof"}),
}
MAX_CONTRACT_BYTES = 16 * 1024
MAX_WEIGHTS_BYTES = 64 * 1024 * 1024  # a ceiling; the policy floor sets less

_DIGEST = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class Request:
    """What a server sends.

    Attributes:
        envelope: the signed contract.
        proof: that it is in the log (``round_proof.py``).
        weights: the encoded weights that it names.
    """

    envelope: bytes
    proof: bytes
    weights: bytes


@dataclass(frozen=True, slots=True)
class StopRequest:
    """What a server sends to stop its fleet.

    Attributes:
        envelope: the signed order (``stop_order.py``).
        proof: that it is in the log (``stop_proof.py``).
    """

    envelope: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What a laptop sends back.

    Attributes:
        contract_digest: SHA-256 (hex) of the contract this answers.
        client_version: version of the laptop's installed client, e.g. ``0.1.0``.
        update: the noised update, encoded with the task's layout.
        receipt: for the log, signed by the laptop's anchor key (``log_entries.Receipt``).
    """

    contract_digest: str
    client_version: str
    update: bytes
    receipt: bytes


def contract_message(envelope: bytes, proof: bytes, weights: bytes) -> RecordDict:
    """Return a request's content."""
    record = ConfigRecord({"contract": envelope, "proof": proof, "weights": weights})
    return RecordDict({RECORD: record})


def reply_content(
    contract_digest: str, client_version: str, update: bytes, receipt: bytes
) -> RecordDict:
    """Return the content of a reply that carries an update."""
    return RecordDict(
        {
            RECORD: ConfigRecord(
                {
                    "contract_digest": contract_digest,
                    "client_version": client_version,
                    "update": update,
                    "receipt": receipt,
                }
            )
        }
    )


def refusal_content(code: RefusalCode) -> RecordDict:
    """Return the content of a reply that carries a refusal code and no more.

    Raises:
        ValueError: for a code that must never travel.
    """
    if code in LOCAL_ONLY:
        raise ValueError(f"{code.value} is for the laptop's own ledger only")
    return RecordDict({RECORD: ConfigRecord({"refusal": code.value})})


def stop_message(envelope: bytes, proof: bytes) -> RecordDict:
    """Return the content of a message that carries a stop order."""
    return RecordDict({RECORD: ConfigRecord({"stop": envelope, "proof": proof})})


def stopped_content(order_digest: str) -> RecordDict:
    """Return the content of the answer to a stop order: that it came, and no more."""
    return RecordDict({RECORD: ConfigRecord({"stopped": order_digest})})


def is_stop(content: RecordDict | None) -> bool:
    """Return whether a message is to be read as a stop order; whether it is one, is not said."""
    record = None if content is None else content.get(RECORD)
    return isinstance(record, ConfigRecord) and set(record) == REQUESTS["stop"]


def parse_stop(content: RecordDict) -> StopRequest:
    """Read a stop message strictly; the order inside is not judged here.

    Raises:
        Refusal: ``message-malformed`` or ``message-too-large``.
    """
    values = _values(content, {"stop": bytes, "proof": bytes})
    _limit(values["stop"], MAX_ORDER_BYTES)
    _limit(values["proof"], MAX_PROOF_BYTES)
    return StopRequest(values["stop"], values["proof"])


def parse_stopped(content: RecordDict) -> str | RefusalCode:
    """Read the answer to a stop order strictly: the order's digest, or the code of a refusal.

    Raises:
        Refusal: ``message-malformed``.
    """
    if set(_only_record(content)) == {"refusal"}:
        return _code(_values(content, {"refusal": str})["refusal"])
    digest = str(_values(content, {"stopped": str})["stopped"])
    if _DIGEST.fullmatch(digest) is None:
        raise Refusal(RefusalCode.MESSAGE_MALFORMED)
    return digest


def parse_request(content: RecordDict, *, max_weights_bytes: int = MAX_WEIGHTS_BYTES) -> Request:
    """Read a request strictly; the contract inside is not judged here.

    Args:
        content: content of the message that came.
        max_weights_bytes: most bytes of weights to accept, from the policy floor.

    Raises:
        Refusal: ``message-malformed`` or ``message-too-large``.
    """
    values = _values(content, {"contract": bytes, "proof": bytes, "weights": bytes})
    _limit(values["contract"], MAX_CONTRACT_BYTES)
    _limit(values["proof"], MAX_PROOF_BYTES)
    _limit(values["weights"], min(max_weights_bytes, MAX_WEIGHTS_BYTES))
    return Request(values["contract"], values["proof"], values["weights"])


def parse_reply(
    content: RecordDict, *, max_update_bytes: int = MAX_WEIGHTS_BYTES
) -> Reply | RefusalCode:
    """Read a reply strictly: an update, or the code of a refusal that may travel.

    Raises:
        Refusal: ``message-malformed`` or ``message-too-large``.
    """
    record = _only_record(content)
    if set(record) == {"refusal"}:
        return _code(_values(content, {"refusal": str})["refusal"])
    fields = {"contract_digest": str, "client_version": str, "update": bytes, "receipt": bytes}
    values = _values(content, fields)
    _limit(values["update"], min(max_update_bytes, MAX_WEIGHTS_BYTES))
    _limit(values["receipt"], MAX_RECEIPT_BYTES)
    if _DIGEST.fullmatch(values["contract_digest"]) is None:
        raise Refusal(RefusalCode.MESSAGE_MALFORMED)
    if _VERSION.fullmatch(values["client_version"]) is None:
        raise Refusal(RefusalCode.MESSAGE_MALFORMED)
    return Reply(**values)


def _only_record(content: RecordDict) -> ConfigRecord:
    record = content.get(RECORD)
    if set(content) != {RECORD} or not isinstance(record, ConfigRecord):
        raise Refusal(RefusalCode.MESSAGE_MALFORMED)
    return record


def _values(content: RecordDict, fields: Mapping[str, type]) -> dict[str, Any]:
    record = _only_record(content)
    if set(record) != set(fields):
        raise Refusal(RefusalCode.MESSAGE_MALFORMED)
    if any(type(record[name]) is not kind for name, kind in fields.items()):
        raise Refusal(RefusalCode.MESSAGE_MALFORMED)
    return {name: record[name] for name in fields}


def _limit(data: bytes, limit: int) -> None:
    if len(data) > limit:
        raise Refusal(RefusalCode.MESSAGE_TOO_LARGE)


def _code(text: str) -> RefusalCode:
    try:
        code = RefusalCode(text)
    except ValueError:
        raise Refusal(RefusalCode.MESSAGE_MALFORMED) from None
    if code in LOCAL_ONLY:
        raise Refusal(RefusalCode.MESSAGE_MALFORMED)
    return code
