"""The process that sees data has no network."""

import subprocess
import sys

import pytest

from deskbound_client.federation.guard import is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", b"127.0.0.1"])
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "0.0.0.0", "::", "example.org", "", None, "127.0.0.1.example.org"]
)
def test_elsewhere(host):
    assert not is_loopback(host)


ATTEMPTS = {
    "connect": "socket.create_connection(('192.0.2.1', 80), 1)",
    "connect6": "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
    "send": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    "name": "socket.getaddrinfo('example.org', 80)",
    "listen": "socket.socket().bind(('0.0.0.0', 0))",
    "http": "__import__('urllib.request').request.urlopen('http://192.0.2.1/', timeout=1)",
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_way_out(attempt):
    code = (
        "import socket\n"
        "from deskbound_client.federation.guard import forbid_network\n"
        "from deskbound_strategies.errors import PermissionsError\n"
        "forbid_network()\n"
        f"try:\n    {ATTEMPTS[attempt]}\n"
        "except PermissionsError:\n    print('refused')\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert found.stdout == "refused\n"


def test_loopback_and_unix_sockets_still_work(tmp_path):
    code = (
        "import socket, sys\n"
        "from deskbound_client.federation.guard import forbid_network\n"
        "forbid_network()\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(server.getsockname(), 5)\n"
        "unix = socket.socket(socket.AF_UNIX)\n"
        f"unix.bind({str(tmp_path / 's')!r})\n"
        "print('works')\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert found.stdout == "works\n"
