"""The ClientApp: any worker of Flower's engine is any virtual laptop, for one message.

A laptop's memory comes and goes with the message, in Flower's own ``Context``. What is returned for
silence is Flower's error in the laptop's place, as a SuperLink reports one that signed off; its
text says why, which no real laptop would, for the simulation's own table.
"""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import psutil
from flwr.app import ConfigRecord, Context, Error, Message
from flwr.clientapp import ClientApp

from deskbound_client.federation.participant import Silence, answer
from deskbound_simulation.activity import Activity, Source
from deskbound_simulation.laptop import Fleet, VirtualLaptop

RECORD = "laptop"
SILENT = 1  # code of Flower's error; nobody looks at it


@dataclass(frozen=True, slots=True)
class Worker:
    """Makes the ClientApp; it travels with every message, so it is small.

    Attributes:
        fleet: of virtual laptops.
        source: of their activity.
        folder: where units that were cut are kept.
    """

    fleet: Fleet
    source: Source
    folder: Path

    def __call__(self) -> ClientApp:
        """Return the app, made once in a process."""
        return _app(self)


@lru_cache(maxsize=1)
def _app(worker: Worker) -> ClientApp:
    import torch  # noqa: PLC0415 - slow, and the server side has no use for it

    torch.set_num_threads(1)  # one for each worker; and sums come out the same on any machine
    activity = Activity(worker.source, worker.folder)
    app = ClientApp()

    @app.train()
    def train(message: Message, context: Context) -> Message:
        return work(message, context, worker.fleet, activity)

    return app


def work(message: Message, context: Context, fleet: Fleet, activity: Activity) -> Message:
    """Let one laptop answer one message; its memory in the context is brought up to date."""
    memory = context.state[RECORD]
    number, now = int(context.node_config["partition-id"]), float(context.node_config["now"])
    laptop = VirtualLaptop(fleet, number, memory["state"], activity, now)  # type: ignore[arg-type]
    outcome = answer(message.content, laptop)
    rss = psutil.Process().memory_info().rss
    context.state[RECORD] = ConfigRecord(
        {"state": laptop.to_bytes(), "process": os.getpid(), "rss": rss}
    )
    if isinstance(outcome, Silence):
        return Message(Error(SILENT, laptop.silent_because or "failed"), reply_to=message)
    return Message(outcome, reply_to=message)
