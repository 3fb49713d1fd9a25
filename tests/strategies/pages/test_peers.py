"""The system says to whom the other end of a connection belongs."""

import os
import socket
from contextlib import closing

import pytest

from deskbound_strategies.pages.peers import can_tell, is_ours, owner_of

pytestmark = pytest.mark.skipif(not can_tell(), reason="this system does not say it")


def test_an_end_of_ours_is_ours_and_one_that_is_not_there_is_nobodys():
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as listener,
        closing(socket.create_connection(listener.getsockname())) as line,
    ):
        peer, here = line.getsockname(), listener.getsockname()
        assert owner_of(peer, here) == os.getuid()
        assert is_ours(peer, here)
        stranger = ("127.0.0.1", peer[1] % 65_535 + 1)
        assert owner_of(stranger, here) is None
        assert not is_ours(stranger, here)
