"""Flower's control interface, from our commands: start and stop runs, let laptops in and out.

Flower's command line can do this too, but only by talking to a terminal. Private parts of flwr 1.41
are used here, in ``strict_grid`` and in ``link``, and nowhere else on the server;
``tests/server/test_private_flwr.py`` fails with a clear sentence on any other version.
"""

import hashlib
import ssl
from importlib.metadata import version
from typing import Self

import httpx
from flwr.common.serde import fab_to_proto, user_config_to_proto
from flwr.proto.control_pb2 import (
    ListNodesRequest,
    RegisterNodeRequest,
    StartRunRequest,
    StopRunRequest,
    UnregisterNodeRequest,
)
from flwr.supercore.control import ControlHttpClient
from flwr.supercore.fab import Fab
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor
from flwr.supercore.protobuf.client import ProtobufCall, ProtobufRequestContext

from deskbound_server.gate import TOKEN_HEADER
from deskbound_server.home import ServerHome
from deskbound_strategies.errors import (
    ConfigError,
    RoundFailedError,
    UnreachableError,
    UntrustedServerError,
)
from deskbound_strategies.pointer import POINTER_SHA256, pointer_fab

FLWR_VERSION = "1.41"


def check_flwr() -> None:
    """Check that the installed Flower is the one whose inside is known here.

    Raises:
        ConfigError: when it is another version.
    """
    found = version("flwr")
    if not found.startswith(FLWR_VERSION + "."):
        raise ConfigError(
            f"Flower {found[:20]} is installed; Deskbound works with {FLWR_VERSION}.",
            f"Install flwr=={FLWR_VERSION}.* beside Deskbound.",
        )


class _ShowToken:
    """Shows the control token to the gate in front of the SuperLink."""

    def __init__(self, token: str) -> None:
        self._token = token

    def intercept(self, context: ProtobufRequestContext, call_next: ProtobufCall) -> httpx.Response:
        context.request.headers[TOKEN_HEADER] = self._token
        return call_next(context)


class Control:
    """The SuperLink's control interface on this machine; use it in a ``with`` statement."""

    def __init__(self, home: ServerHome) -> None:
        check_flwr()
        self._client = ControlHttpClient.from_server_address(
            server_address=f"127.0.0.1:{home.settings().port}",
            insecure=False,
            root_certificates=home.ca_certificate.read_bytes(),
            interceptors=[
                RuntimeVersionHttpInterceptor(component_name="flwr CLI"),
                _ShowToken(home.control_token.read_text("ascii")),
            ],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def start_run(self, run: str) -> int:
        """Submit the pointer bundle for one of our runs; returns Flower's number of it."""
        fab = Fab(POINTER_SHA256, pointer_fab(), {})
        request = StartRunRequest(
            fab=fab_to_proto(fab), override_config=user_config_to_proto({"run": run})
        )
        with _Spoken():
            response = self._client.StartRun(request)
        if not response.HasField("run_id"):
            raise RoundFailedError(
                "The SuperLink did not start the run.", "Look into run/superlink.log."
            )
        return int(response.run_id)

    def stop_run(self, flower_run: int) -> None:
        """Ask Flower to stop a run."""
        with _Spoken():
            self._client.StopRun(StopRunRequest(run_id=flower_run))

    def register(self, public_key: bytes, label: str) -> int:
        """Let the laptop with this key (PEM) connect; returns its node id.

        Raises:
            ConfigError: the key is known already or of the wrong sort.
        """
        with _Spoken():
            response = self._client.RegisterNode(
                RegisterNodeRequest(public_key=public_key, name=label)
            )
        if not response.node_id:
            raise ConfigError(
                "The SuperLink did not take this key.", "Enroll each laptop once, with its own key."
            )
        return int(response.node_id)

    def unregister(self, node: int) -> None:
        """Forget a laptop's key; it cannot connect any more."""
        with _Spoken():
            self._client.UnregisterNode(UnregisterNodeRequest(node_id=node))

    def online(self) -> set[int]:
        """Return node ids of the laptops that are connected now."""
        with _Spoken():
            response = self._client.ListNodes(ListNodesRequest())
        return {int(node.node_id) for node in response.nodes_info if node.status == "online"}


class _Spoken:
    """Turns failures of a control call into our errors; their text stays here."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if isinstance(error, httpx.HTTPStatusError):
            status = error.response.status_code
            raise ConfigError(
                f"The SuperLink answered with status {status}.",
                "A key can be enrolled only once; otherwise look into run/superlink.log.",
            ) from None
        if isinstance(error, httpx.HTTPError | OSError | ValueError):
            cause: BaseException | None = error
            while cause is not None:
                if isinstance(cause, ssl.SSLError):
                    raise UntrustedServerError(
                        "Another server answers at this address.", "Check the port in server.json."
                    ) from None
                cause = cause.__cause__ or cause.__context__
            raise UnreachableError(
                "The SuperLink does not answer.", "Start it with 'deskbound-server up'."
            ) from None


def key_fingerprint(public_key: bytes) -> str:
    """Return SHA-256 (hex) of a public key as the SuperLink stores it (PEM)."""
    return hashlib.sha256(public_key).hexdigest()
