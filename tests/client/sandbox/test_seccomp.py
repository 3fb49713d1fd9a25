"""The filter, run instruction by instruction as the kernel does: on both machines, every call."""

import errno
import socket

import pytest

from deskbound_client.sandbox import seccomp
from deskbound_client.sandbox.seccomp import NEWEST, Calls, program

PID = 4711
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, UNKNOWN = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
MACHINES = tuple(AUDIT)
EXECUTOR, CAPTURE = Calls(PID), Calls(PID, unix_sockets=True, shared_memory=True)


def run(code, machine, number, *arguments, audit=None):
    """Return what the filter says of one call."""
    words = {0: number, 4: AUDIT[machine] if audit is None else audit}
    for index in range(6):
        value = arguments[index] if index < len(arguments) else 0
        words[16 + 8 * index], words[20 + 8 * index] = value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF
    at, held = 0, 0
    while True:
        kind, yes, no, constant = code[at]
        at += 1
        if kind == 0x20:
            held = words[constant]
        elif kind == 0x06:
            return constant
        else:
            holds = {0x15: held == constant, 0x35: held >= constant, 0x45: bool(held & constant)}
            at += yes if holds[kind] else no


def number_of(name, machine):
    return seccomp._NUMBERS[name][MACHINES.index(machine)]


def named(machine):
    return {name for name in seccomp._NUMBERS if number_of(name, machine) is not None}


@pytest.mark.parametrize("machine", MACHINES)
def test_no_number_stands_for_two_calls(machine):
    numbers = [number_of(name, machine) for name in named(machine)]
    assert len(numbers) == len(set(numbers))
    assert max(numbers) <= NEWEST


@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_not_listed_is_allowed_and_what_is_newer_does_not_exist(machine):
    code = program(EXECUTOR, machine)
    listed = {number_of(name, machine) for name in named(machine)}
    for number in set(range(NEWEST + 1)) - listed:
        assert run(code, machine, number) == ALLOW, number
    for number in (NEWEST + 1, 1000, 2**29):
        assert run(code, machine, number) == UNKNOWN


@pytest.mark.parametrize("machine", MACHINES)
def test_the_executor_neither_makes_nor_connects_sockets(machine):
    code = program(EXECUTOR, machine)
    for name in ("connect", "bind", "listen", "accept", "accept4", "socketpair", "sendmsg",
                 "sendmmsg", "shmget", "msgget", "mq_open"):  # fmt: skip
        assert run(code, machine, number_of(name, machine)) == REFUSE, name
    for family in range(50):
        assert run(code, machine, number_of("socket", machine), family, 1, 0) == REFUSE
    send = number_of("sendto", machine)
    assert run(code, machine, send, 3, 0x7FFF00000000, 4, 0, 0, 0) == ALLOW
    for address in (1, 0x7FFF00000000, 1 << 32):
        assert run(code, machine, send, 3, 0, 4, 0, address, 16) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
def test_capture_makes_sockets_of_this_machine_only(machine):
    code = program(CAPTURE, machine)
    for family in range(50):
        found = run(code, machine, number_of("socket", machine), family, 1, 0)
        assert found == (ALLOW if family == socket.AF_UNIX else REFUSE)
    for name in ("connect", "sendmsg", "shmget", "shmat"):
        assert run(code, machine, number_of(name, machine)) == ALLOW, name
    for name in ("bind", "listen", "accept"):
        assert run(code, machine, number_of(name, machine)) == REFUSE, name


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("calls", [EXECUTOR, CAPTURE])
def test_neither_starts_programs_nor_touches_other_processes(machine, calls):
    code = program(calls, machine)
    allowed = {"connect", "sendmsg", "sendmmsg", "msgget", "semget", "shmget", "shmat", "mq_open"}
    conditional = {"kill", "tgkill", "clone", "clone3", "socket", "sendto", "ioctl", "socketpair"}
    for name in named(machine) - allowed - conditional:
        assert run(code, machine, number_of(name, machine)) == REFUSE, name
    clone = number_of("clone", machine)
    assert run(code, machine, clone, 0x3D0F00) == ALLOW  # as the C library starts a thread
    assert run(code, machine, clone, 17) == REFUSE  # as it forks
    assert run(code, machine, clone, 0x10000000) == REFUSE  # a new user namespace
    assert run(code, machine, number_of("clone3", machine)) == UNKNOWN
    for name in ("kill", "tgkill"):
        assert run(code, machine, number_of(name, machine), PID) == ALLOW
        for other in (PID + 1, 1, 0, 0xFFFFFFFF):
            assert run(code, machine, number_of(name, machine), other) == REFUSE
    for request, verdict in ((0x5412, REFUSE), (0x541C, REFUSE), (0x5401, ALLOW)):
        assert run(code, machine, number_of("ioctl", machine), 0, request) == verdict


@pytest.mark.parametrize("machine", MACHINES)
def test_other_calling_conventions_end_the_process(machine):
    code = program(EXECUTOR, machine)
    for audit in (0x40000003, 0x40000028, 0):  # i386, 32-bit arm, nothing
        assert run(code, machine, 1, audit=audit) == KILL


def test_the_x32_numbers_end_the_process():
    assert run(program(EXECUTOR, "x86_64"), "x86_64", 0x40000000 + 59) == KILL


def test_unknown_machines_get_no_filter(monkeypatch):
    real = seccomp.os.uname()
    for name in ("riscv64", "i686", "aarch64_be"):
        changed = type(real)((*real[:4], name))
        monkeypatch.setattr(seccomp.os, "uname", lambda changed=changed: changed)
        assert seccomp.machine() == ""
        assert seccomp.restrict(EXECUTOR) is False
