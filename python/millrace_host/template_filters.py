# SPDX-License-Identifier: Apache-2.0
"""The filters that templates have besides those of Jinja2."""

from __future__ import annotations

import os.path
import re
from typing import Any, Callable, Dict

_TRUE = ("true", "yes", "1", "on", "t", "y")
_FALSE = ("false", "no", "0", "off", "f", "n", "")


def regex_replace(
    value: Any,
    pattern: str,
    replacement: str,
    count: int = 0,
    ignore_case: bool = False,
    multiline: bool = False,
    mandatory_count: int = 0,
) -> str:
    """Raises ValueError when fewer than `mandatory_count` places were found."""
    if value is None:
        return ""
    flags = (re.IGNORECASE if ignore_case else 0) | (re.MULTILINE if multiline else 0)
    text, found = re.compile(pattern, flags).subn(replacement, str(value), count=count)
    if found < mandatory_count:
        raise ValueError(
            f"Regex replace failed: expected at least {mandatory_count} replacements, but only found {found}."
        )
    return text


def to_bool(value: Any) -> bool:
    """Raises ValueError for what is neither true nor false."""
    if value is None:
        return False
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"{value!r} is neither true nor false")


def _of_path(function: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda value: "" if value is None else function(value)


FILTERS: Dict[str, Callable[..., Any]] = {
    "regex_replace": regex_replace,
    "basename": _of_path(os.path.basename),
    "dirname": _of_path(os.path.dirname),
    "normpath": _of_path(os.path.normpath),
    "bool": to_bool,
}
