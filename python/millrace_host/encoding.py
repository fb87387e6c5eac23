# SPDX-License-Identifier: Apache-2.0
"""Python values as JSON.

The quick way is the interpreter's own encoder, which takes almost everything; what it refuses (NaN,
keys that are no texts, half surrogates) is copied into plain values first.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import enum
import json
import json.encoder
import math
import pathlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Callable, List, Set

Substitute = Callable[[Any], Any]

_TIMES = (datetime.datetime, datetime.date, datetime.time)
_TEXTS = (uuid.UUID, pathlib.PurePath, decimal.Decimal)


class Unencodable(ValueError):
    """A value for which there is no JSON."""


def plain_value(value: Any) -> Any:
    """What stands for `value` in JSON, if it is no JSON itself; its parts are not looked at."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, _TIMES):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _text_of(bytes(value))
    if isinstance(value, _TEXTS):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable) and not isinstance(value, Iterator):
        return list(value)
    raise Unencodable(f"{_article(type(value).__name__)} cannot be written as JSON")


def _text_of(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def refuse_key(key: Any) -> str:
    """Raises Unencodable."""
    raise Unencodable(f"{_article(type(key).__name__)} cannot be a key in JSON")


def make_encoder(
    substitute: Substitute = plain_value,
    on_not_finite: Callable[[], None] = lambda: None,
    key_text: Callable[[Any], str] = refuse_key,
) -> Callable[[Any], bytes]:
    """A function that writes a value as JSON in UTF-8.

    `substitute` is asked for what stands for values that are no JSON; `on_not_finite` is told when NaN
    or an infinity was written as null, `key_text` what a key is called that is neither text nor number.
    The function raises Unencodable, and what the two raise.
    """
    write = _quick_writer(substitute)

    def encode(value: Any) -> bytes:
        try:
            return "".join(write(value, 0)).encode()
        except (TypeError, ValueError, RecursionError):  # also Unencodable: found again below, if it stays
            copier = _Copier(substitute, key_text)
            copy = copier.copied(value)
            if copier.met_not_finite:
                on_not_finite()
            return _whole_characters("".join(write(copy, 0)))

    return encode


def _quick_writer(substitute: Substitute) -> Callable[[Any, int], Any]:
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # another interpreter than CPython
        slow = json.JSONEncoder(
            default=substitute, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        return lambda value, _: (slow.encode(value),)
    quote = json.encoder.encode_basestring
    write: Callable[[Any, int], Any] = make(None, substitute, quote, None, ":", ",", False, False, False)
    return write


def _whole_characters(text: str) -> bytes:
    """UTF-8; surrogates become the character that a pair of them means, or U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


class _Copier:
    """Copies a value into dicts with texts as keys, lists, texts, numbers, booleans and None."""

    def __init__(self, substitute: Substitute, key_text: Callable[[Any], str]) -> None:
        self._substitute = substitute
        self._key_text = key_text
        self._above: Set[int] = set()  # what the value that is being copied is part of
        self.met_not_finite = False

    def copied(self, value: Any) -> Any:
        try:
            return self._copied(value)
        except RecursionError:
            raise Unencodable("the value is nested too deeply") from None

    def _copied(self, value: Any) -> Any:
        if value is None or isinstance(value, (str, bool)):
            return value
        if isinstance(value, enum.Enum):
            return self._copied(value.value)
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return self._finite(value)
        if id(value) in self._above:
            raise Unencodable("the value contains itself")
        self._above.add(id(value))
        try:
            return self._copied_parts(value)
        finally:
            self._above.discard(id(value))

    def _copied_parts(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._key(key): self._copied(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._copied(item) for item in value]
        return self._copied(self._substitute(value))

    def _finite(self, value: float) -> Any:
        if math.isfinite(value):
            return float(value)
        self.met_not_finite = True
        return None

    def _key(self, key: Any) -> str:
        if isinstance(key, str):
            return str(key)
        plain = self._copied(key)
        if isinstance(plain, (dict, list)):
            return self._key_text(key)
        return plain if isinstance(plain, str) else json.dumps(plain)


def lines_of(texts: List[bytes]) -> bytes:
    """JSON texts, each ended by a line feed."""
    return b"\n".join(texts) + b"\n"
