"""seccomp: which calls of the kernel exist for this process. For good.

A filter in classic BPF (seccomp(2), linux/filter.h), as short as it can be and built here, so that
a reviewer reads all of it. It lists what is taken away, by name, and takes away with it every call
that is newer than this list: the kernel of next year opens no hole. What is not allowed fails with
*not permitted*; only the calling conventions of other architectures, which no honest library uses,
end the process (docs/adr/0033).
"""

import ctypes
import errno
import os
import socket
import struct
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deskbound_client.sandbox.landlock import forbid_new_privileges

NEWEST = 469  # file_setattr, Linux 6.17: every call beyond does not exist
_CLONE_THREAD = 0x00010000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # type into a terminal

# name: number on x86_64, on aarch64 (None where it has none); asm/unistd.h
_NUMBERS: dict[str, tuple[int | None, int | None]] = {
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "tkill": (200, 130),
    "kill": (62, 129), "tgkill": (234, 131),
    # new programs and processes
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "clone": (56, 220), "clone3": (435, 435), "unshare": (272, 97), "setns": (308, 268),
    # sockets
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242), "sendto": (44, 206),
    "sendmsg": (46, 211), "sendmmsg": (307, 269),
    # queues and memory shared with other programs
    "msgget": (68, 186), "semget": (64, 190), "shmget": (29, 194), "shmat": (30, 196),
    "mq_open": (240, 180),
    # the kernel's own machinery
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "iopl": (172, None), "ioperm": (173, None), "personality": (135, 92), "syslog": (103, 116),
    "fanotify_init": (300, 262), "ioctl": (16, 29),
    # mounts and the machine's settings
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "move_mount": (429, 429), "open_tree": (428, 428), "open_tree_attr": (467, 467),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "sethostname": (170, 161), "setdomainname": (171, 162),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    # what Landlock does not look at: owner, mode, times and labels of files anywhere
    "chmod": (90, None), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "lchown": (94, None), "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "setxattrat": (463, 463), "removexattr": (197, 14), "lremovexattr": (198, 15),
    "removexattrat": (466, 466), "file_setattr": (469, 469),
}  # fmt: skip
_CONDITIONAL = frozenset({"kill", "tgkill", "clone", "clone3", "socket", "sendto", "ioctl"})
_SOCKETS = frozenset(
    {"socketpair", "connect", "bind", "listen", "accept", "accept4", "sendmsg", "sendmmsg"}
)
_SERVING = frozenset({"bind", "listen", "accept", "accept4", "socketpair"})
_QUEUES = frozenset({"msgget", "semget", "shmget", "shmat", "mq_open"})

_MACHINES = {  # audit's number of the architecture, column of the table, seccomp(2), 32-bit bit
    "x86_64": (0xC000003E, 0, 317, 0x40000000),
    "aarch64": (0xC00000B7, 1, 277, 0),
}

# linux/bpf_common.h and linux/seccomp.h
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16
_MODE_FILTER, _ALL_THREADS = 1, 1
_REFUSE, _UNKNOWN = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, constant


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


@dataclass(frozen=True, slots=True)
class Calls:
    """What a process may still ask the kernel for, beyond its own files and memory.

    Attributes:
        pid: of the process: the only one it may send a signal to.
        unix_sockets: whether it may make sockets of this machine (display, session bus) and
            connect them. Else it makes none and connects none: it uses what it was handed.
        shared_memory: whether it may share memory with other programs (an X display is faster so).
    """

    pid: int
    unix_sockets: bool = False
    shared_memory: bool = False


def machine() -> str:
    """Return the name of this machine's calls; empty where there is no filter for them."""
    if sys.platform != "linux" or struct.calcsize("P") != 8:
        return ""
    name = os.uname().machine
    return name if name in _MACHINES else ""


def restrict(calls: Calls) -> bool:
    """Take the listed calls away from all threads of this process, for good.

    Returns:
        False on machines and kernels without such filters, where nothing was taken away.
    """
    name = machine()
    if not name:
        return False
    code = b"".join(struct.pack("=HBBI", *each) for each in program(calls, name))
    buffer = ctypes.create_string_buffer(code, len(code))
    filled = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        forbid_new_privileges()
    except OSError:
        return False
    done = libc.syscall(
        ctypes.c_long(_MACHINES[name][2]),
        ctypes.c_uint(_MODE_FILTER),
        ctypes.c_uint(_ALL_THREADS),
        ctypes.byref(filled),
    )
    return int(done) == 0


def program(calls: Calls, convention: str) -> list[Instruction]:
    """Return the filter of a process.

    Args:
        calls: what it may.
        convention: ``x86_64`` or ``aarch64``.
    """
    audit, column, _, foreign = _MACHINES[convention]
    code: list[Instruction] = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_EQUAL, 1, 0, audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    if foreign:  # the 32-bit twins of the same calls, under other numbers
        code += [(_AT_LEAST, 0, 1, foreign), (_RETURN, 0, 0, _KILL)]
    code += [(_AT_LEAST, 0, 1, NEWEST + 1), (_RETURN, 0, 0, _UNKNOWN)]
    for name in sorted(_refused(calls)):
        code += _when(_NUMBERS[name][column], [(_RETURN, 0, 0, _REFUSE)])
    # Its flags lie in memory, where no filter looks; the C library then uses clone.
    code += _when(_NUMBERS["clone3"][column], [(_RETURN, 0, 0, _UNKNOWN)])
    code += _when(_NUMBERS["clone"][column], [
        (_LOAD, 0, 0, _low(0)),
        (_ANY_BIT, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ])  # fmt: skip
    for name in ("kill", "tgkill"):
        code += _when(_NUMBERS[name][column], _only(0, [calls.pid]))
    families = [int(socket.AF_UNIX)] if calls.unix_sockets else []
    code += _when(_NUMBERS["socket"][column], _only(0, families))
    code += _when(_NUMBERS["ioctl"][column], _none_of(1, [_TIOCSTI, _TIOCLINUX]))
    if not calls.unix_sockets:  # an address would be a second way to connect (MSG_FASTOPEN)
        code += _when(_NUMBERS["sendto"][column], [
            (_LOAD, 0, 0, _low(4)),
            (_EQUAL, 0, 2, 0),
            (_LOAD, 0, 0, _low(4) + 4),
            (_EQUAL, 1, 0, 0),
            (_RETURN, 0, 0, _REFUSE),
            (_RETURN, 0, 0, _ALLOW),
        ])  # fmt: skip
    return [*code, (_RETURN, 0, 0, _ALLOW)]


def _refused(calls: Calls) -> frozenset[str]:
    """Return the names of the calls that fail whatever is asked."""
    refused = frozenset(_NUMBERS) - _CONDITIONAL - _SOCKETS - _QUEUES
    refused |= _SERVING if calls.unix_sockets else _SOCKETS
    return refused if calls.shared_memory else refused | _QUEUES


def _when(number: int | None, then: Sequence[Instruction]) -> list[Instruction]:
    """Return code that does ``then``, which must return, for one call and goes on for others."""
    return [] if number is None else [(_EQUAL, 0, len(then), number), *then]


def _only(argument: int, values: Iterable[int]) -> list[Instruction]:
    """Return code that allows a call whose argument, as 32 bits, is one of these."""
    code: list[Instruction] = [(_LOAD, 0, 0, _low(argument))]
    for value in values:
        code += [(_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW)]
    return [*code, (_RETURN, 0, 0, _REFUSE)]


def _none_of(argument: int, values: Iterable[int]) -> list[Instruction]:
    """Return code that allows a call whose argument, as 32 bits, is none of these."""
    code: list[Instruction] = [(_LOAD, 0, 0, _low(argument))]
    for value in values:
        code += [(_EQUAL, 0, 1, value), (_RETURN, 0, 0, _REFUSE)]
    return [*code, (_RETURN, 0, 0, _ALLOW)]


def _low(argument: int) -> int:
    """Return where the lower half of an argument lies; both machines store it first."""
    return _ARGUMENTS_AT + 8 * argument
