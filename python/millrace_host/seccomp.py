# SPDX-License-Identifier: Apache-2.0
"""A filter of system calls: what no plugin has business with is answered with EPERM.

A deny-list, not a sandbox: it closes the ways to the kernel, to other namespaces and, but for files of
/proc, to the memory of other processes. The program is classic BPF over `struct seccomp_data {int nr; u32 arch; u64 ip; u64 args[6]}`.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from typing import Dict, List, NamedTuple

from .prctl import SET_NO_NEW_PRIVILEGES, SET_SECCOMP, prctl

_FILTER_MODE = 2

_LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_EQUAL = 0x15
_JUMP_AT_LEAST = 0x35
_JUMP_ANY_BIT = 0x45
_RETURN = 0x06
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000

_NUMBER_AT = 0
_ARCHITECTURE_AT = 4
_FLAGS_AT = 16  # low word of the first argument, little endian
_X32_BIT = 0x40000000
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET

_COMMON = {  # the same number everywhere
    "pidfd_getfd": 438, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431,
    "fsmount": 432, "fspick": 433, "mount_setattr": 442,
    "process_madvise": 440, "process_mrelease": 448, "quotactl_fd": 443,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
}  # fmt: skip
_X86_64 = {
    "ptrace": 101, "mount": 165, "umount2": 166, "kexec_load": 246, "kexec_file_load": 320,
    "init_module": 175, "finit_module": 313, "delete_module": 176, "bpf": 321, "perf_event_open": 298,
    "reboot": 169, "swapon": 167, "swapoff": 168, "pivot_root": 155, "chroot": 161, "setns": 308,
    "unshare": 272, "keyctl": 250, "add_key": 248, "request_key": 249, "process_vm_readv": 310,
    "process_vm_writev": 311, "open_by_handle_at": 304, "userfaultfd": 323, "acct": 163,
    "settimeofday": 164, "clock_settime": 227, "clock_adjtime": 305, "adjtimex": 159, "iopl": 172,
    "ioperm": 173, "quotactl": 179, "syslog": 103, "vhangup": 153, "sethostname": 170,
    "setdomainname": 171, "kcmp": 312, "move_pages": 279, "migrate_pages": 256, "modify_ldt": 154, "uselib": 134, "nfsservctl": 180,
    "lookup_dcookie": 212,
}  # fmt: skip
_AARCH64 = {
    "ptrace": 117, "mount": 40, "umount2": 39, "kexec_load": 104, "kexec_file_load": 294,
    "init_module": 105, "finit_module": 273, "delete_module": 106, "bpf": 280, "perf_event_open": 241,
    "reboot": 142, "swapon": 224, "swapoff": 225, "pivot_root": 41, "chroot": 51, "setns": 268,
    "unshare": 97, "keyctl": 219, "add_key": 217, "request_key": 218, "process_vm_readv": 270,
    "process_vm_writev": 271, "open_by_handle_at": 265, "userfaultfd": 282, "acct": 89,
    "settimeofday": 170, "clock_settime": 112, "clock_adjtime": 266, "adjtimex": 171, "quotactl": 60,
    "syslog": 116, "vhangup": 58, "sethostname": 161, "setdomainname": 162, "kcmp": 272, "move_pages": 239, "migrate_pages": 238, "nfsservctl": 42, "lookup_dcookie": 18,
}  # fmt: skip


class _Machine(NamedTuple):
    architecture: int  # AUDIT_ARCH_…
    clone: int
    denied: Dict[str, int]


_CLONE3 = 435
_MACHINES = {
    "x86_64": _Machine(0xC000003E, 56, {**_X86_64, **_COMMON}),
    "aarch64": _Machine(0xC00000B7, 220, {**_AARCH64, **_COMMON}),
}


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def restrict_system_calls() -> None:
    """Applies the filter to this process and all that it starts, for ever.

    Raises OSError; NotImplementedError for a machine whose numbers of system calls are not known.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None or struct.calcsize("P") != 8:
        raise NotImplementedError(f"seccomp: not available on {platform.machine()}")
    code = b"".join(_filter(machine))
    program = _Program(len(code) // 8, code)
    prctl(SET_NO_NEW_PRIVILEGES, 1)
    prctl(SET_SECCOMP, _FILTER_MODE, ctypes.addressof(program))


def _instruction(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, operand)


def _filter(machine: _Machine) -> List[bytes]:
    """Jumps count the instructions to skip; the last two are the answers."""
    denied = sorted(set(machine.denied.values()))
    checks = [
        _instruction(_LOAD_WORD, _ARCHITECTURE_AT),
        _instruction(_JUMP_EQUAL, machine.architecture, 1, 0),
        _instruction(_RETURN, _ERRNO | errno.EPERM),
        _instruction(_LOAD_WORD, _NUMBER_AT),
    ]
    if machine.architecture == _MACHINES["x86_64"].architecture:
        checks += [_instruction(_JUMP_AT_LEAST, _X32_BIT, 0, 1), _instruction(_RETURN, _ERRNO | errno.EPERM)]
    # glibc falls back to clone(), whose flags can be looked at
    checks += [_instruction(_JUMP_EQUAL, _CLONE3, 0, 1), _instruction(_RETURN, _ERRNO | errno.ENOSYS)]
    remaining = len(denied)
    for number in denied:
        checks.append(_instruction(_JUMP_EQUAL, number, remaining + 3, 0))
        remaining -= 1
    checks += [
        _instruction(_JUMP_EQUAL, machine.clone, 0, 2),
        _instruction(_LOAD_WORD, _FLAGS_AT),
        _instruction(_JUMP_ANY_BIT, _NEW_NAMESPACES, 1, 0),
        _instruction(_RETURN, _ALLOW),
        _instruction(_RETURN, _ERRNO | errno.EPERM),
    ]
    return checks
