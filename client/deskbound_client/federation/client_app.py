"""The ClientApp: how a task becomes an outcome, and the object the pointer bundle names.

Flower's own runner would import ``app`` after unpacking the server's bundle; run that way it
refuses. Only our executor answers contracts, through ``respond``.
"""

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

from deskbound_client.federation.participant import Laptop, Outcome, answer, refused, silence
from deskbound_client.federation.private_flwr import TaskInput
from deskbound_client.federation.stopping import obey
from deskbound_strategies import wire
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.pointer import check_pointer

MESSAGE_TYPE = "train"

app = ClientApp()


@app.train()
def train(message: Message, _: Context) -> Message:
    """Refuse: somebody runs this outside Deskbound's executor."""
    return Message(wire.refusal_content(RefusalCode.INTERNAL), reply_to=message)


def respond(task: TaskInput, laptop: Laptop) -> Outcome:
    """Return what to answer to a task; it never raises.

    A laptop that does not want to take part says nothing, not even that the bundle is unknown.
    """
    try:
        if not laptop.is_willing():
            return silence(laptop)
        check_task(task)
    except Refusal as refusal:
        return refused(refusal.code, laptop)
    except Exception:  # noqa: BLE001 - its words must not travel
        return silence(laptop)
    if task.content is not None and wire.is_stop(task.content):
        return obey(task.content, laptop)
    return answer(task.content, laptop)


def check_task(task: TaskInput) -> None:
    """Check that a task is of the one sort that is run here, and brought no code along.

    Raises:
        Refusal: ``bundle-unknown``, ``task-type-refused`` or ``message-malformed``.
    """
    check_pointer(task.bundle)
    if not task.is_client_app:
        raise Refusal(RefusalCode.TASK_TYPE_REFUSED)
    if task.message_type.split(".")[0] != MESSAGE_TYPE:
        raise Refusal(RefusalCode.MESSAGE_MALFORMED)
