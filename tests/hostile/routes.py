"""Ways out that hostile code inside a process would try, each through the kernel's own calls.

A route returns when it got out, and raises ``OSError`` when the system refused. Run as a program
it takes a role (``executor``, ``capture``, or ``nobody`` for no sandbox at all), the home, the name
of a route and the world as JSON, enters the sandbox for real, and tries the route.
"""

import ctypes
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

PTRACE_ATTACH, PTRACE_DETACH = 16, 17
MSG_FASTOPEN = 0x20000000
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
IPC_CREAT = 0o1000
REFUSED, OUT, OTHER = 10, 11, 12
X86 = os.uname().machine == "x86_64"


def kernel(x86, arm, *arguments):
    """Ask the kernel directly."""
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.syscall(ctypes.c_long(x86 if X86 else arm), *arguments)
    if done < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return done


# --- files ------------------------------------------------------------------------------------


def read_a_private_key(world):
    assert Path(world["canary"]).read_text() == "canary"


def read_the_list_of_users(world):
    Path("/etc/passwd").read_bytes()


def read_a_folder_of_the_user(world):
    assert os.listdir(Path(world["canary"]).parent)


def read_through_a_link_in_the_home(world):
    link = Path(world["home"]) / "link"
    os.symlink(world["canary"], link)
    link.read_text()


def bring_a_file_in_by_a_hard_link(world):
    link = Path(world["home"]) / "hard"
    os.link(world["canary"], link)
    link.read_text()


def read_through_the_root_of_proc(world):
    Path("/proc/self/root" + world["canary"]).read_text()


def write_beside(world):
    (Path(world["canary"]).parent / "sent").write_text("data")


def append_to_a_file_of_the_user(world):
    with open(world["canary"], "a") as file:
        file.write("")


def cut_a_file_of_the_user(world):
    os.truncate(world["canary"], 6)


def delete_a_file_of_the_user(world):
    os.unlink(world["spare"])


def move_a_file_of_the_vault_out(world):
    (Path(world["home"]) / "rows").write_text("data")
    os.rename(Path(world["home"]) / "rows", Path(world["canary"]).parent / "rows")


def open_a_file_for_all(world):
    os.chmod(world["canary"], 0o666)


def tell_by_the_time_of_a_file(world):
    os.utime(world["canary"], (1, 1))


def tell_by_a_label_of_a_file(world):
    os.setxattr(world["canary"], "user.data", b"data")


def write_shared_memory(world):
    Path("/dev/shm/deskbound-canary").write_text("data")
    os.unlink("/dev/shm/deskbound-canary")


def make_system_v_memory(world):
    kernel(29, 194, 0, ctypes.c_size_t(4096), IPC_CREAT | 0o600)


# --- network ----------------------------------------------------------------------------------


def connect_to_another_port(world):
    socket.create_connection(("127.0.0.1", world["tcp"]), 2).close()


def connect_to_a_stranger(world):
    socket.create_connection(("192.0.2.1", world["door"]), 2).close()


def send_a_datagram(world):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"data", ("127.0.0.1", world["udp"]))


def ask_a_name(world):
    """The look-up itself, as the C library begins it, past Python's own guard."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        kernel(42, 203, sock.fileno(), _internet(53), 16)


def make_a_raw_socket(world):
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


def ask_netlink(world):
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()


def wait_to_be_fetched(world):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()


def speak_on_the_bus(world):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(world["unix"])


def speak_to_an_abstract_socket(world):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect("\0" + world["abstract"])


def lead_the_open_connection_elsewhere(world):
    """Connect the socket that was handed in anew, past Python's guard."""
    with world["dial"]() as sock:
        sock.setblocking(True)
        kernel(42, 203, sock.fileno(), ctypes.create_string_buffer(16), 16)  # AF_UNSPEC
        kernel(42, 203, sock.fileno(), _internet(world["tcp"]), 16)


def send_to_an_address_on_the_open_connection(world):
    with world["dial"]() as sock:
        sock.setblocking(True)
        address = _internet(world["tcp"])
        kernel(44, 206, sock.fileno(), b"data", ctypes.c_size_t(4), MSG_FASTOPEN, address, 16)


def pass_a_message_with_an_address(world):
    with world["dial"]() as sock:
        sock.sendmsg([b"data"], [])


def _internet(port):
    packed = socket.AF_INET.to_bytes(2, sys.byteorder) + port.to_bytes(2, "big")
    return ctypes.create_string_buffer(packed + socket.inet_aton("127.0.0.1") + bytes(8), 16)


# --- other programs ---------------------------------------------------------------------------


def start_a_program(world):
    subprocess.run(["/bin/true"], check=True)


def become_a_program(world):
    os.execv("/bin/sh", ["sh", "-c", f"exit {OUT}"])


def become_a_program_that_was_never_on_a_disk(world):
    handle = os.memfd_create("program", 0)
    os.write(handle, f"#!/bin/sh\nexit {OUT}\n".encode())
    os.execv(f"/proc/self/fd/{handle}", ["program"])


def leave_a_child_behind(world):
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def attach_to_a_sibling(world):
    kernel(101, 117, ctypes.c_long(PTRACE_ATTACH), world["sibling"], None, None)
    kernel(101, 117, ctypes.c_long(PTRACE_DETACH), world["sibling"], None, None)


def read_the_memory_of_a_sibling(world):
    into = ctypes.create_string_buffer(8)
    local = (ctypes.c_size_t * 2)(ctypes.addressof(into), 8)
    remote = (ctypes.c_size_t * 2)(world["address"], 8)
    kernel(310, 270, world["sibling"], local, 1, remote, 1, 0)


def read_the_environment_of_a_sibling(world):
    Path(f"/proc/{world['sibling']}/environ").read_bytes()


def read_the_command_line_of_a_sibling(world):
    Path(f"/proc/{world['sibling']}/cmdline").read_bytes()


def take_a_handle_from_a_sibling(world):
    handle = kernel(434, 434, world["sibling"], 0)
    kernel(438, 438, handle, 0, 0)


def signal_a_sibling(world):
    os.kill(world["sibling"], 0)


def signal_a_sibling_past_the_filter(world):
    kernel(129, 138, world["sibling"], 0, ctypes.create_string_buffer(128))


# --- the kernel's machinery -------------------------------------------------------------------


def make_a_ring(world):
    kernel(425, 425, 4, ctypes.create_string_buffer(120))


def take_a_new_network(world):
    kernel(272, 97, CLONE_NEWUSER | CLONE_NEWNET)


def mount_something(world):
    kernel(165, 40, b"none", world["home"].encode(), b"tmpfs", ctypes.c_ulong(0), None)
    kernel(166, 39, world["home"].encode(), 0)


def leave_a_key_in_the_kernel(world):
    kernel(248, 217, b"user", b"deskbound-canary", b"data", ctypes.c_size_t(4), -5)


def load_a_program_into_the_kernel(world):
    kernel(321, 280, 0, ctypes.create_string_buffer(72), 72)


def watch_the_machine(world):
    kernel(298, 241, ctypes.create_string_buffer(128), 0, -1, -1, ctypes.c_ulong(0))


def catch_faults(world):
    os.close(kernel(323, 282, 1))


def allow_oneself_more(world):
    """A second, wider rule set may only narrow the first."""
    from deskbound_client.sandbox import landlock

    landlock.restrict({Path("/"): landlock.Files((1 << 16) - 1)}, frozenset(), landlock.Scope(0))
    Path(world["canary"]).read_text()


def call_as_a_32_bit_program(world):
    """Machine code: ``mov eax, 102 (socketcall); int 0x80; ret``."""
    _run(b"\xb8\x66\x00\x00\x00\xcd\x80\xc3")


def call_by_the_x32_numbers(world):
    kernel(0x40000000 + 39, 0)


def _run(code):
    if not X86:
        raise OSError(1, "only there")
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()


ROUTES = {
    name: found
    for name, found in list(globals().items())
    if callable(found) and getattr(found, "__module__", "") == __name__ and name[0] != "_"
    and name not in {"kernel", "main"}
}  # fmt: skip


def main():
    """Enter the sandbox of a role and try one route."""
    from deskbound_client.config import Config
    from deskbound_client.federation import ports
    from deskbound_client.paths import HomePaths
    from deskbound_client.sandbox import doorman, entry

    role, home, name = sys.argv[1:4]
    world = json.loads(sys.stdin.read())
    door = ("127.0.0.1", world["door"])
    if role == "nobody":
        world["dial"] = lambda: socket.create_connection(door, 2)
    else:
        ports.free_port = lambda: world["door"]  # where the test listens in the SuperNode's place
        inside = entry.enter(role, HomePaths(Path(home)), Config(sandbox="required"))
        world["dial"] = inside.dial or doorman._no_door
    try:
        ROUTES[name](world)
    except OSError as error:
        print(error.errno, file=sys.stderr)
        return REFUSED
    return OUT


if __name__ == "__main__":
    signal.alarm(30)
    sys.exit(main())
