# SPDX-License-Identifier: Apache-2.0
"""Declared settings, and the check of what users write against them, as the engine does it."""

from __future__ import annotations

import difflib
import json
import math
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from .errors import InvalidSettings

_WANTED = {
    "any": "a value",
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "seconds": "a number of seconds",
    "strings": "a list of strings",
    "list": "a list",
    "object": "a mapping",
}
_TRUE = ("true", "yes", "on")
_FALSE = ("false", "no", "off")
_INTEGER = re.compile(r"\s*[+-]?[0-9]+\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)
_LONGEST_SECONDS = 9_000_000_000.0
_SHOWN_TEXT = 40  # characters of a wrong text that a message repeats


@dataclass(frozen=True)
class Setting:
    """One setting of an extension: from here come the check, the default and the reference page.

    `type` is one of any, string, integer, number, boolean, seconds, strings, list, object. As in YAML
    files, "10" is also an integer, "yes" a boolean, one string a list of strings: the plugin gets the
    declared type. `least` and `most` bound numbers, `choices` names all texts that are allowed,
    `secret` keeps the value out of logs, `nullable` makes null the same as nothing.

    Raises ValueError for a declaration that is wrong in itself.
    """

    name: str
    type: str = "any"
    meaning: str = ""
    default: Any = None
    required: bool = False
    choices: Sequence[str] = ()
    least: Optional[float] = None
    most: Optional[float] = None
    secret: bool = False
    nullable: bool = False

    def __post_init__(self) -> None:
        if self.type not in _WANTED:
            raise ValueError(
                f"setting {self.name}: type must be one of {', '.join(_WANTED)}, not {self.type}"
            )
        if self.default is not None:
            object.__setattr__(self, "default", self.check(self.default))

    def check(self, given: Any) -> Any:
        """`given` as the declared type. Raises ValueError that says what is wrong."""
        value = _coerce(self, given)
        _check_range(self, value)
        _check_choices(self, value)
        return value

    def describe(self) -> Dict[str, Any]:
        """The declaration as the engine reads it."""
        return {
            "name": self.name,
            "type": self.type,
            "meaning": self.meaning,
            "default": self.default,
            "required": self.required,
            "choices": list(self.choices),
            "least": self.least,
            "most": self.most,
            "secret": self.secret,
            "nullable": self.nullable,
        }


def check_settings(
    declared: Sequence[Setting], given: Mapping[str, Any], unknown: str = "error"
) -> Dict[str, Any]:
    """Every declared name with a value of its type: given, by default, or None.

    Raises InvalidSettings, which names all faults at once.
    """
    checked: Dict[str, Any] = {}
    faults: List[str] = []
    for setting in declared:
        missing = setting.name not in given or (given[setting.name] is None and setting.nullable)
        checked[setting.name] = setting.default
        if missing and setting.required:
            meaning = f" ({setting.meaning})" if setting.meaning else ""
            faults.append(f"{setting.name} is required{meaning}")
        elif not missing:
            try:
                checked[setting.name] = setting.check(given[setting.name])
            except ValueError as fault:
                faults.append(str(fault))
    if unknown == "error":
        faults += [_unknown(name, checked) for name in given if name not in checked]
    if faults:
        raise InvalidSettings("; ".join(faults))
    return checked


def _unknown(name: str, declared: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, list(declared), n=1)
    return f"{name} is not a known setting" + (f" (did you mean {near[0]}?)" if near else "")


def _shown(value: Any, secret: bool) -> str:
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if secret:
        return "this text" if isinstance(value, str) else "this number"
    if isinstance(value, str):
        return f"`{value[:_SHOWN_TEXT]}{'…' if len(value) > _SHOWN_TEXT else ''}`"
    return str(value)


def _wrong_type(setting: Setting, given: Any) -> ValueError:
    return ValueError(f"{setting.name} must be {_WANTED[setting.type]}, not {_shown(given, setting.secret)}")


def _as_string(given: Any) -> Optional[str]:
    if isinstance(given, str):
        return given
    if isinstance(given, (bool, int, float)):
        return json.dumps(given)
    return None


def _as_integer(given: Any) -> Optional[int]:
    if isinstance(given, bool):
        return None
    if isinstance(given, int):
        return given
    if isinstance(given, float) and math.isfinite(given):
        return int(given)
    if isinstance(given, str) and _INTEGER.fullmatch(given):
        return int(given)
    return None


def _as_number(given: Any) -> Optional[float]:
    if isinstance(given, str) and _NUMBER.fullmatch(given):
        given = float(given)
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
        return None
    return float(given)


def _as_boolean(given: Any) -> Optional[bool]:
    if isinstance(given, bool):
        return given
    if isinstance(given, int) and given in (0, 1):
        return given == 1
    word = given.strip().lower() if isinstance(given, str) else ""
    if word in _TRUE:
        return True
    return False if word in _FALSE else None


def _as_strings(given: Any) -> Optional[List[str]]:
    one = _as_string(given)
    if one is not None:
        return [one]
    texts = [_as_string(item) for item in given] if isinstance(given, (list, tuple)) else [None]
    return None if None in texts else [text for text in texts if text is not None]


_COERCED: Dict[str, Callable[[Any], Any]] = {
    "any": lambda given: given,
    "string": _as_string,
    "integer": _as_integer,
    "number": _as_number,
    "seconds": _as_number,
    "boolean": _as_boolean,
    "strings": _as_strings,
    "list": lambda given: list(given) if isinstance(given, (list, tuple)) else None,
    "object": lambda given: given if isinstance(given, dict) else None,
}


def _coerce(setting: Setting, given: Any) -> Any:
    value = _COERCED[setting.type](given)
    if value is None and setting.type != "any":
        raise _wrong_type(setting, given)
    return value


def _check_range(setting: Setting, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    bound = _LONGEST_SECONDS if setting.type == "seconds" else math.inf
    least = max(-bound, -math.inf if setting.least is None else setting.least)
    most = min(bound, math.inf if setting.most is None else setting.most)
    if value < least:
        raise ValueError(f"{setting.name} must be at least {least:g}")
    if value > most:
        raise ValueError(f"{setting.name} must be at most {most:g}")


def _check_choices(setting: Setting, value: Any) -> None:
    if not setting.choices:
        return
    for item in value if setting.type == "strings" else [value]:
        if _as_string(item) not in setting.choices:
            choices = ", ".join(setting.choices)
            raise ValueError(f"{setting.name} must be one of {choices}, not {_shown(item, setting.secret)}")
