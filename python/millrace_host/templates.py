# SPDX-License-Identifier: Apache-2.0
"""Jinja2 templates, native types, strict about what is undefined.

A template that is one expression gives its value; otherwise the pieces are joined as text. A text is
then read as a Python literal, and if it is one, the literal's value is the result: unless JSON has no
such value (bytes, sets, complex numbers, Ellipsis, infinities), then it stays a text.
"""

from __future__ import annotations

import math
import re
import warnings
from ast import literal_eval, parse
from functools import partial
from itertools import chain, islice
from typing import Any, Dict, Iterable, List, Mapping, Optional

import jinja2
import jinja2.meta
import jinja2.nodes
from jinja2.nativetypes import NativeEnvironment
from jinja2.utils import missing

from .encoding import Unencodable, make_encoder, plain_value
from .template_filters import FILTERS

_CHANGING = {  # what is rendered depends on more than the names that a template uses
    "filters": {"random"},
    "names": {"lipsum", "event", "events"},
    "methods": {"append", "extend", "insert", "pop", "popitem", "remove", "clear", "update",
                "setdefault", "sort", "reverse"},
}  # fmt: skip

# Words that start a literal; any other text that starts with a letter is none.
_LITERAL_WORD = re.compile(r"None|True|False|set|not\b|[bBuUrR]{1,2}['\"]")


class UndefinedValue(jinja2.UndefinedError):
    """`kind` is "attribute" or "name"; None where the value of an expression is missing."""

    def __init__(self, kind: Optional[str], message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Undefined(jinja2.StrictUndefined):
    """Tells attributes from names."""

    __slots__ = ()

    def __init__(
        self, hint: Optional[str] = None, obj: Any = missing, name: Any = None, exc: Any = None
    ) -> None:
        kind = None if hint else "name" if obj is missing else "attribute"
        super().__init__(hint, obj, name, partial(UndefinedValue, kind))  # type: ignore[arg-type]

    @property
    def _undefined_message(self) -> str:
        if not self._undefined_hint and self._undefined_obj is not missing:
            name = self._undefined_name
            return (
                f"Undefined jinja variable  {name!r}"
                if isinstance(name, str)
                else f"Undefined jinja variable  '{name}'"
            )
        return super()._undefined_message

    def fail(self) -> None:
        """Raises UndefinedValue."""
        self._fail_with_undefined_error()


def native_value(pieces: Iterable[Any]) -> Any:
    """As Jinja2's native_concat() does, with literal_value() for texts."""
    rest = iter(pieces)
    head = list(islice(rest, 2))
    if not head:
        return None
    if len(head) == 1:
        value = head[0]
        return literal_value(value) if isinstance(value, str) else value
    return literal_value("".join([str(piece) for piece in chain(head, rest)]))


def literal_value(text: str) -> Any:
    """The value of the Python literal that the text is, if JSON has it; else the text."""
    first = text[:1]
    if (first.isascii() and (first.isalpha() or first == "_") or not first) and not _LITERAL_WORD.match(text):
        return text
    try:
        value = literal_eval(parse(text, mode="eval"))  # as Jinja2: parse() keeps leading blanks, an error
        return value if _is_json(value) else text
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def _is_json(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(map(_is_scalar, value)) and all(map(_is_json, value.values()))
    return _is_scalar(value)


def _is_scalar(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, (str, int))


def _plain_result(value: Any) -> Any:
    if isinstance(value, Undefined):
        value.fail()
    if hasattr(value, "__next__"):
        return list(value)
    try:
        return plain_value(value)
    except Unencodable:
        return str(value)


class Template:
    """A compiled one. `names` are looked up when it is rendered."""

    def __init__(self, compiled: jinja2.Template, names: List[str], is_constant: bool) -> None:
        self.compiled = compiled
        self.names = names
        self.is_constant = is_constant
        self.result: Optional[bytes] = None  # of a constant one, if the scope has none of its names


class Templates:
    """All templates of one engine. `variables` are names that every template sees."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        warnings.simplefilter("ignore", SyntaxWarning)  # texts are read as literals
        warnings.simplefilter("ignore", DeprecationWarning)
        self._environment = NativeEnvironment(undefined=Undefined)
        self._environment.filters.update(FILTERS)
        self._names: Dict[str, Any] = {**self._environment.globals, **variables}
        self._by_text: Dict[str, Template] = {}
        self._encode = make_encoder(_plain_result, key_text=str)

    def filters(self) -> List[str]:
        return list(self._environment.filters)

    def compile(self, text: str) -> Template:
        """Raises jinja2.TemplateSyntaxError."""
        template = self._by_text.get(text)
        if template is None:
            tree = self._environment.parse(text)
            names = sorted(jinja2.meta.find_undeclared_variables(tree))
            compiled = self._environment.from_string(text)
            template = Template(compiled, names, not _may_change(tree, names))
            self._by_text[text] = template
        return template

    def render(self, template: Template, scope: Mapping[str, Any]) -> bytes:
        """The value as JSON. Raises UndefinedValue, and what filters and methods raise."""
        is_kept = template.is_constant and scope.keys().isdisjoint(template.names)
        if is_kept and template.result is not None:
            return template.result
        names = self._names.copy()
        names.update(scope)
        compiled = template.compiled
        value = native_value(compiled.root_render_func(compiled.new_context(names, shared=True)))
        if isinstance(value, Undefined):
            value.fail()
        result = self._encode(value)
        if is_kept:
            template.result = result
        return result


def _may_change(tree: jinja2.nodes.Template, names: List[str]) -> bool:
    return (
        not _CHANGING["names"].isdisjoint(names)
        or any(node.name in _CHANGING["names"] for node in tree.find_all(jinja2.nodes.Name))
        or any(node.name in _CHANGING["filters"] for node in tree.find_all(jinja2.nodes.Filter))
        or any(node.attr in _CHANGING["methods"] for node in tree.find_all(jinja2.nodes.Getattr))
    )
