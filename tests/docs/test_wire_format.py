from pathlib import Path

import pytest

from deskbound_strategies import (
    codec,
    contract,
    ledger,
    log_entries,
    pointer,
    release,
    stop_order,
    wire,
)
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.agreement import a_body

PAGE = (Path(__file__).parents[2] / "docs" / "wire-format.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("kind", LedgerKind)
def test_every_kind_of_entry_is_documented_with_its_fields(kind):
    (row,) = [line for line in ROWS if line.startswith(f"| `{kind.value}` |")]
    body = a_body(kind)
    for name in [*body, *body.get("lattice", ())]:
        assert name in row


@pytest.mark.parametrize(
    "constant",
    [
        contract.PAYLOAD_TYPE,
        log_entries.RECEIPT_TYPE,
        release.PAYLOAD_TYPE,
        stop_order.ORDER_TYPE,
        f"at most {stop_order.MAX_ORDER_BYTES // 1024} KiB as an envelope",
        f"{release.MAX_BYTES:,} bytes",
        f"at most {log_entries.MAX_LEAF_BYTES // 1024} KiB",
        f"no line is longer than {log_entries.MAX_RELEASE_LEAF_BYTES // 1024**2} MiB",
        ledger.ENTRY_TYPE,
        ledger.HEAD_TYPE,
        ledger.EXPORT_FORMAT,
        pointer.POINTER_SHA256,
        codec.MAGIC[:7].decode(),
        f"named `{wire.RECORD}`",
        f"{wire.MAX_CONTRACT_BYTES // 1024} KiB",
        f"{wire.MAX_WEIGHTS_BYTES // 1024**2} MiB",
        f"| {codec.HEADER_BYTES} | n |",
    ],
)
def test_what_the_page_says_is_what_the_code_does(constant):
    assert constant in PAGE


def test_every_field_of_a_message_is_documented():
    for content in (
        wire.contract_message(b"c", b"p", b"w"),
        wire.reply_content("00" * 32, "0.1.0", b"u", b"r"),
        wire.refusal_content(next(iter(wire.RefusalCode))),
        wire.stop_message(b"s", b"p"),
        wire.stopped_content("00" * 32),
    ):
        for name in content[wire.RECORD]:
            assert f"`{name}`:" in PAGE
