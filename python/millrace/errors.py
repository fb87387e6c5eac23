# SPDX-License-Identifier: Apache-2.0
"""Errors that plugins raise or meet."""

from __future__ import annotations


class PhaseError(RuntimeError):
    """Something that is not allowed yet: starting a thread or publishing while plugins are loaded."""


class InvalidEvent(ValueError):
    """Raised by a filter: this one event is refused, the source and the other events go on."""


class InvalidSettings(ValueError):
    """Settings that do not fit their declaration; the message names every fault, separated by "; "."""


class Unsupported(LookupError):
    """A function that the service does not have."""


class EngineError(RuntimeError):
    """The engine refused a request of an action.

    `code` is the engine's word for the kind of fault: "not_found" for a rule set that does not exist…
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
