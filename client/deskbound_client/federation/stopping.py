"""What this laptop makes of a stop order: it pauses, once, and says that the order came.

Nothing here looks at data, at consent or at the budget, so whatever is answered may travel: the
answer depends on the message, the pinned keys and the log alone. An order that came before is
answered like a new one and changes nothing; so is a replay after the employee resumed. Only that
the log is not the one seen before is silence, as with a contract.
"""

from flwr.app import RecordDict

from deskbound_client.capture.control import Control
from deskbound_client.federation.participant import Laptop, Outcome, refused
from deskbound_client.privacy.anchoring import Anchoring
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_strategies import stop_proof, wire
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.round_proof import Proven
from deskbound_strategies.stop_order import StopOrder, open_order


def obey(content: RecordDict, laptop: Laptop) -> Outcome:
    """Answer a message that ``wire.is_stop``; it never raises."""
    try:
        request = wire.parse_stop(content)
        order = open_order(request.envelope, laptop.contract_key)
        proven = stop_proof.verify(request.proof, request.envelope, laptop.trust)
        laptop.stop(order, proven)
    except Refusal as refusal:
        return refused(refusal.code, laptop)
    except Exception:  # noqa: BLE001 - its words must not travel
        return refused(RefusalCode.INTERNAL, laptop)
    return wire.stopped_content(order.digest())


def take(
    order: StopOrder,
    proven: Proven,
    *,
    ledger: LedgerStore,
    anchoring: Anchoring,
    control: Control,
) -> bool:
    """Pause capture and learning until a person resumes; return whether this order did that.

    The pause comes first: it needs no room on the disk. If it cannot be written down, the server
    does not hear that the order came, and sends it again.

    Args:
        order: that our server signed.
        proven: that it is in the log.
        ledger: remembers which orders were obeyed.
        anchoring: remembers the log.
        control: of this laptop.

    Raises:
        Refusal: ``log-forked``; nothing is changed then.
        DiskFullError: it is paused, and could not be written down.
    """
    if any(entry.body["order"] == order.id for entry in ledger.all_of(LedgerKind.STOP)):
        return False
    anchoring.check_head(proven)
    control.pause(stopped_for=order.reason)
    with ledger.database.transaction():
        anchoring.remember_head(proven.checkpoint)
        ledger.append(LedgerKind.STOP, {"order": order.id, "reason": order.reason.value})
    return True
