"""Landlock: which files, TCP ports and other processes this thread may still reach. For good.

Through the kernel's own calls (landlock(7); linux/landlock.h), because what there is of libraries
was alpha when this was written (docs/adr/0033). What a kernel does not know yet is left out of the
question; ``abi`` tells how much it knows. A restriction holds for the calling thread and for all
that it starts, so it must come before any other thread does.
"""

import ctypes
import os
import stat
import sys
from collections.abc import Mapping
from enum import IntFlag
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every architecture
_VERSION = 1  # flag of landlock_create_ruleset: tell the ABI, make nothing
_BENEATH, _PORT = 1, 2  # kinds of rules
_PR_SET_NO_NEW_PRIVS = 38


class Files(IntFlag):
    """Deeds on files, as linux/landlock.h numbers them."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13  # ABI 2: move or link between folders
    TRUNCATE = 1 << 14  # ABI 3
    IOCTL_DEV = 1 << 15  # ABI 5


class Network(IntFlag):
    """Deeds on TCP sockets; ABI 4."""

    BIND_TCP = 1 << 0
    CONNECT_TCP = 1 << 1


class Scope(IntFlag):
    """Whom outside of the sandbox nobody inside may reach; ABI 6."""

    ABSTRACT_UNIX = 1 << 0
    SIGNAL = 1 << 1


READ = Files.READ_FILE | Files.READ_DIR
WRITE = (
    READ | Files.WRITE_FILE | Files.TRUNCATE | Files.MAKE_REG | Files.MAKE_DIR
    | Files.REMOVE_FILE | Files.REMOVE_DIR | Files.REFER
)  # fmt: skip
_OF_A_FILE = Files.EXECUTE | Files.WRITE_FILE | Files.READ_FILE | Files.TRUNCATE | Files.IOCTL_DEV
_ALL = Files((1 << 16) - 1)
_SINCE = {Files.REFER: 2, Files.TRUNCATE: 3, Files.IOCTL_DEV: 5}


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _PortRule(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


def abi() -> int:
    """Return the kernel's Landlock version; 0 where there is none, or it is switched off."""
    if sys.platform != "linux":
        return 0
    nothing, version = ctypes.c_size_t(0), ctypes.c_uint32(_VERSION)
    return max(0, int(_libc().syscall(_CREATE, None, nothing, version)))


def known(version: int) -> Files:
    """Return the deeds on files that a version of Landlock can forbid."""
    return _ALL & ~Files(sum(flag for flag, since in _SINCE.items() if since > version))


def restrict(files: Mapping[Path, Files], ports: frozenset[int], scoped: Scope) -> int:
    """Forbid this thread everything else, for good, as far as the kernel can.

    Args:
        files: what stays allowed in and below each path; paths that are not there are left out.
        ports: TCP ports that may be connected to, on every machine: no address is looked at.
        scoped: whom outside it may not reach.

    Returns:
        The version of Landlock that holds now; 0 when there is none and nothing is forbidden.

    Raises:
        OSError: when the kernel knows Landlock and refuses the rules.
    """
    version = abi()
    if not version:
        return 0
    handled = known(version)
    network = Network.BIND_TCP | Network.CONNECT_TCP if version >= 4 else Network(0)
    asked = _Ruleset(handled, network, scoped if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _call(_CREATE, ctypes.byref(asked), ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for path, allowed in files.items():
            _allow_beneath(ruleset, path, allowed & handled)
        for port in ports if network else ():
            rule = _PortRule(Network.CONNECT_TCP, port)
            _call(_ADD, ctypes.c_int(ruleset), _PORT, ctypes.byref(rule), ctypes.c_uint32(0))
        forbid_new_privileges()
        _call(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return version


def forbid_new_privileges() -> None:
    """Let nothing that this process starts gain rights by set-uid; the kernel asks for it first.

    Raises:
        OSError: when the kernel is older than 3.5.
    """
    zero = ctypes.c_ulong(0)
    if _libc().prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero):
        raise _failure()


def _allow_beneath(ruleset: int, path: Path, allowed: Files) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not on this system; what is not named stays forbidden
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            allowed &= _OF_A_FILE
        rule = _Beneath(allowed, handle)
        _call(_ADD, ctypes.c_int(ruleset), _BENEATH, ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(handle)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    done = int(_libc().syscall(ctypes.c_long(number), *arguments))
    if done < 0:
        raise _failure()
    return done


def _failure() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
