# SPDX-License-Identifier: Apache-2.0
"""The host gives up what its plugins do not need, before any of their code runs."""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import Any, Collection, Mapping, Optional

from .seccomp import restrict_system_calls


def close_inherited_descriptors(keep: Collection[int]) -> None:
    """All above standard error but `keep`, which children do not inherit."""
    for name in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else map(str, range(1024)):
        number = int(name)
        if number > 2 and number not in keep:
            try:
                os.close(number)
            except OSError:
                pass  # the folder's own
    for descriptor in keep:
        os.set_inheritable(descriptor, False)
    os.register_at_fork(after_in_child=lambda: _detach(keep))


def _detach(descriptors: Collection[int]) -> None:
    """In a forked child: else the engine would not see the end of its host."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        os.dup2(null, descriptor, inheritable=False)
    os.close(null)


def apply_limits(configuration: Mapping[str, Any]) -> None:
    """Resources, user, rights and system calls as CONFIGURE says.

    Raises OSError, ValueError, KeyError (no such user) or NotImplementedError (no seccomp here).
    """
    limits = configuration.get("limits") or {}
    _limit(resource.RLIMIT_DATA, limits.get("memory"))
    _limit(resource.RLIMIT_NOFILE, limits.get("files"))
    _limit(resource.RLIMIT_NPROC, limits.get("processes"))
    _limit(resource.RLIMIT_CORE, 0)
    if configuration.get("user"):
        _become(str(configuration["user"]))
    if sys.platform == "linux":
        from .prctl import SET_NO_NEW_PRIVILEGES, SET_PARENT_DEATH_SIGNAL, prctl

        prctl(SET_NO_NEW_PRIVILEGES, 1)
        prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)  # a change of user resets it
    if configuration.get("seccomp"):
        restrict_system_calls()


def _limit(what: int, most: Optional[int]) -> None:
    if most is None:
        return
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(what, (most, most))


def _become(name: str) -> None:
    import pwd  # only where a user is named

    user = pwd.getpwnam(name)
    if user.pw_uid == os.geteuid() == os.getuid():
        return
    os.initgroups(name, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.environ.update(HOME=user.pw_dir, USER=name, LOGNAME=name)
