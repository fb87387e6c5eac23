# SPDX-License-Identifier: Apache-2.0
"""COMPILE and RENDER. Jinja2 is imported with the first template."""

from __future__ import annotations

import difflib
import json
import re
import sys
from typing import Any, Dict, Mapping, Optional

from . import frames
from .calls import encode
from .connection import Connection

_loads = json.JSONDecoder().decode


class TemplateService:
    """Loop thread only. A template's number is that of its COMPILE."""

    def __init__(self, connection: Connection, variables: Mapping[str, Any]) -> None:
        self._connection = connection
        self._variables = variables
        self._templates: Any = None
        self._by_number: Dict[int, Any] = {}

    def compile(self, payload: bytes) -> None:
        request = _loads(payload.decode())
        number = request["id"]
        try:
            template = self._ready_templates().compile(request["text"])
        except ImportError as error:
            self._answer(frames.COMPILED, {"id": number, **_missing_jinja(error)})
        except Exception as error:  # noqa: BLE001  (a template cannot end its host)
            message = self._explained(getattr(error, "message", None) or str(error) or type(error).__name__)
            line = getattr(error, "lineno", None) or 1
            self._answer(frames.COMPILED, {"id": number, "error": message, "line": line})
        else:
            self._by_number[number] = template
            answer = {"id": number, "names": template.names, "constant": template.is_constant}
            self._answer(frames.COMPILED, answer)

    def render(self, payload: bytes) -> None:
        request = _loads(payload.decode())
        try:
            template = self._by_number[request["template"]]
            value = self._templates.render(template, request.get("scope") or {})
            frame = frames.make_frame(frames.RENDERED, 0, b'{"id":%d,"value":%b}' % (request["id"], value))
        except Exception as error:  # noqa: BLE001
            self._answer(frames.RENDERED, {"id": request["id"], **_render_error(error)})
        else:
            self._connection.answer(frame)

    def _explained(self, message: str) -> str:
        """What is missing is most often a filter of Ansible's."""
        unknown = re.fullmatch(r"No filter named '(.*)'\.", message)
        if not unknown:
            return message
        near = difflib.get_close_matches(unknown[1], self._templates.filters(), 1)
        found = f" (did you mean `{near[0]}`?)" if near else ""
        return (
            f"No filter named '{unknown[1]}'{found}: there are Jinja2's own and basename, bool, dirname, normpath and "
            "regex_replace, none else of Ansible's"
        )

    def _ready_templates(self) -> Any:
        if self._templates is None:
            from .templates import Templates  # needs Jinja2

            self._templates = Templates(self._variables)
        return self._templates

    def _answer(self, kind: int, value: Dict[str, Any]) -> None:
        self._connection.answer(frames.make_frame(kind, 0, encode(value)))


def _missing_jinja(error: ImportError) -> Dict[str, Any]:
    message = (
        f"templates need Jinja2, which {sys.executable} does not have ({error}): "
        "install the package python3-jinja2, or `pip install jinja2` for another interpreter"
    )
    return {"error": message, "line": 1, "unavailable": True}


def _render_error(error: Exception) -> Dict[str, Optional[str]]:
    return {"error": str(error) or type(error).__name__, "undefined": getattr(error, "kind", None)}
