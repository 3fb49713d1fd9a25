"""kill -9 in the moment after the release: paid once, sent once, and the round goes on.

The SuperNode is frozen while the laptop trains, so that the release is on the disk and the answer
cannot leave; then one process is killed. The server is the real one's round (``DpFedAvg`` with
admission and receipts) over the real Grid.
"""

import hashlib
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from deskbound_client import agent
from deskbound_server.admission import Admission
from deskbound_server.receipts import Receipts
from deskbound_server.strict_grid import StrictGrid
from deskbound_strategies.aggregation import StreamingMean
from deskbound_strategies.dp_fedavg import DpFedAvg
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.log_entries import Receipt
from tests.helpers.federation import Desk
from tests.helpers.patience import until

pytestmark = pytest.mark.federation


def kinds(desk: Desk, contract: str) -> list[LedgerKind]:
    return [entry.kind for entry in desk.ledger() if entry.body.get("contract") == contract]


def process(desk: Desk, role: str) -> int:
    found = agent.status(desk.paths)
    return found.pid if role == "agent" else int(found.children[role]["pid"])


def conduct(world, desks, asked, request, receipts):
    """Be the server of one round."""
    layout = world.server.task.layout()
    admission = Admission(asked, layout, 1e6, receipts)
    by_node = {desk.node: desk for desk in desks}
    grid = StrictGrid(world.server.grid, admission.max_update_bytes + 65_536)
    strategy = DpFedAvg(grid, admission, max_update_bytes=admission.max_update_bytes)
    return strategy.run_round(
        asked,
        lambda node: world.server.message(request, by_node[node]),
        list(by_node),
        StreamingMean(layout),
    )


# The one that holds what must not be sent twice is always killed, the others in ``make test-slow``.
SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "victim",
    ["executor", pytest.param("supernode", marks=SLOW), pytest.param("agent", marks=SLOW)],
)
def test_what_was_released_is_sent_once_whoever_is_killed(world, victim):
    server, desks, desk = world.server, world.desks, world.desks[1]
    until(lambda: desk.node in world.fleet.online(), "it is online", patience=180.0)
    asked = server.contract(steps=150, noise_multiplier=30.0)
    request, digest = server.request(asked), asked.digest()
    receipts = Receipts(digest, {one.node: one.anchor for one in desks}, {})
    with ThreadPoolExecutor(1) as pool:
        round_ = pool.submit(conduct, world, desks, asked, request, receipts)
        until(lambda: LedgerKind.RESERVE in kinds(desk, digest), "it is paid for and trains")
        frozen, doomed = process(desk, "supernode"), process(desk, victim)
        os.kill(frozen, signal.SIGSTOP)
        until(lambda: LedgerKind.RELEASE in kinds(desk, digest), "it is released")
        assert desk.anchor not in receipts.taken, "it left before anybody was killed"
        os.kill(doomed, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.kill(frozen, signal.SIGCONT)
        if victim == "agent":
            until(lambda: not agent.status(desk.paths).pid, "the agent is gone")
            desk.start()
        outcome = round_.result(400)
    assert outcome.admitted == 2, outcome
    assert kinds(desk, digest) == [LedgerKind.RESERVE, LedgerKind.RELEASE]
    (release,) = [
        entry.body
        for entry in desk.ledger()
        if entry.kind is LedgerKind.RELEASE and entry.body["contract"] == digest
    ]
    with desk.vault() as vault:
        rows = vault.database.execute(
            "SELECT body, receipt FROM outbox WHERE contract = ?", (digest,)
        )
    ((body, receipt),) = rows
    assert hashlib.sha256(body).hexdigest() == release["update"]
    assert receipts.taken[desk.anchor] == receipt
    releases = [entry for entry in desk.ledger() if entry.kind is LedgerKind.RELEASE]
    assert Receipt.open(receipt).count == len(releases)
