# SPDX-License-Identifier: Apache-2.0
"""prctl(2)."""

from __future__ import annotations

import ctypes
import os

SET_PARENT_DEATH_SIGNAL = 1
SET_SECCOMP = 22
SET_NO_NEW_PRIVILEGES = 38

_prctl = ctypes.CDLL(None, use_errno=True).prctl
_prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
_prctl.restype = ctypes.c_int


def prctl(option: int, first: int, second: int = 0) -> None:
    """Raises OSError."""
    if _prctl(option, first, second, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")
