"""Flower's simulation backend on Ray: as many workers as wished, and nothing beyond this machine.

Flower's own engine finds the next message by asking for each laptop in turn, again and again, so a
round of n laptops costs n^2 look-ups; and it is started by a function that is to go. Its backend
with its pool of actors is all that is used here (flwr 1.41, pinned); ``fleet_grid.py`` hands it
messages.

Ray listens on every network of the machine and takes code from whoever connects, unless it is told
that there is no cluster; then everything stays on loopback. It also asks for a token here, so that
other users of the machine get nothing from it.
"""

import logging
import os
import secrets
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from flwr.app import Context, Message
from flwr.clientapp import ClientApp
from flwr.server.superlink.fleet.vce.backend.backend import Backend

from deskbound_server.simulation import MEND
from deskbound_strategies.errors import BusyError, NotFoundError

STORE_BYTES = 128 * 1024 * 1024  # of Ray: a model and an update for each worker are what it holds
_ENVIRONMENT = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # on every system: no cluster, so loopback only
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_AUTH_MODE": "token",
    "OMP_NUM_THREADS": "1",
}


class Engine(Protocol):
    """Lets laptops work."""

    @property
    def workers(self) -> int:
        """How many may work at once."""
        ...

    def process(self, message: Message, context: Context) -> tuple[Message, Context]:
        """Return a laptop's answer and its context afterwards."""
        ...


class RayEngine:
    """Flower's Ray backend.

    Args:
        backend: built.
    """

    def __init__(self, backend: Backend, workers: int) -> None:
        self._backend = backend
        self.workers = workers

    def process(self, message: Message, context: Context) -> tuple[Message, Context]:
        """Return a laptop's answer and its context afterwards."""
        return self._backend.process_message(message, context)


def check_installed() -> None:
    """Refuse to begin without the engine.

    Raises:
        NotFoundError: Ray is not installed.
    """
    if find_spec("ray") is None:
        raise NotFoundError(
            "Ray, on which Flower simulates, is not installed here.",
            MEND,
        )


@contextmanager
def ray_engine(app: Callable[[], ClientApp], workers: int) -> Iterator[RayEngine]:
    """Start Ray and as many workers, and end all of it.

    Args:
        app: makes the ClientApp; it and what it holds can be pickled.
        workers: processes.

    Raises:
        NotFoundError: Ray is not installed.
        BusyError: Ray runs in this process already.
    """
    check_installed()
    before = dict(os.environ)
    os.environ.update(_ENVIRONMENT, RAY_AUTH_TOKEN=secrets.token_hex(32))
    try:
        with tempfile.TemporaryDirectory(prefix="ray-") as folder:
            yield from _started(app, workers, Path(folder))
    finally:
        os.environ.clear()
        os.environ.update(before)


def _started(app: Callable[[], ClientApp], workers: int, folder: Path) -> Iterator[RayEngine]:
    import ray  # noqa: PLC0415 - reads the environment, and takes seconds
    from flwr.server.superlink.fleet.vce.backend.raybackend import (  # noqa: PLC0415
        RayBackend,
    )

    if ray.is_initialized():
        raise BusyError("Ray runs in this process already.", "Simulate in a fresh process.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray, about Ray to come
        ray.init(
            num_cpus=workers, num_gpus=0, include_dashboard=False, log_to_driver=False,
            logging_level="ERROR", configure_logging=False, object_store_memory=STORE_BYTES,
            _temp_dir=str(folder),
        )  # fmt: skip
        logging.getLogger("flwr").setLevel(logging.ERROR)
        backend = RayBackend({"client_resources": {"num_cpus": 1, "num_gpus": 0.0}})
    try:
        backend.build(app)
        yield RayEngine(backend, workers)
    finally:
        backend.terminate()
