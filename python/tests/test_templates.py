# SPDX-License-Identifier: Apache-2.0
"""Templates: the cases of templates.jsonl, and what the host keeps.

A case is `{kind, template, scope, value | error}`: `kind` is "path" for what the engine's own renderer
might do, "jinja" for what needs Jinja2, "syntax" for what is wrong; `undefined` is "attribute", "name"
or null; with `syntax_error` the template does not compile. The scope holds all names, also what an
engine would have sent as startup variables.
"""

from __future__ import annotations

import json
import random
import unittest
from ast import literal_eval, parse
from pathlib import Path

from engine import Engine, frames

try:
    import jinja2
except ImportError:
    jinja2 = None

CASES = [
    json.loads(line) for line in (Path(__file__).parent / "templates.jsonl").read_text("utf-8").splitlines()
]


class Renderer:
    """Compiles and renders through a host."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.number = 0

    def compile(self, text):
        self.number += 1
        self.engine.send(frames.COMPILE, 0, {"id": self.number, "text": text})
        return self.engine.wait_for(frames.COMPILED, 0)

    def render(self, template, scope):
        self.number += 1
        request = {"id": self.number, "template": template, "scope": scope}
        self.engine.send(frames.RENDER, 0, request)
        rendered = self.engine.wait_for(frames.RENDERED, 0)
        assert rendered.pop("id") == self.number
        return rendered

    def value_of(self, text, **scope):
        return self.render(self.compile(text)["id"], scope)["value"]


@unittest.skipIf(jinja2 is None, "Jinja2 is not installed")
class Templates(unittest.TestCase):
    def setUp(self):
        self.engine = self.start()
        self.renderer = Renderer(self.engine)

    def start(self, **configure):
        engine = Engine(configure).__enter__()
        self.addCleanup(engine.__exit__, None, None, None)
        return engine

    def test_there_are_enough_cases(self):
        self.assertGreaterEqual(len(CASES), 200)
        self.assertGreaterEqual(len([case for case in CASES if case["kind"] == "path"]), 80)

    def test_cases(self):
        for case in CASES:
            with self.subTest(case["template"], scope=case["scope"]):
                self.check(case)

    def check(self, case):
        compiled = self.renderer.compile(case["template"])
        if case.get("syntax_error"):
            self.assertIn("error", compiled)
            self.assertGreaterEqual(compiled["line"], 1)
            return
        self.assertNotIn("error", compiled)
        rendered = self.renderer.render(compiled["id"], case["scope"])
        if "value" in case:
            self.assertEqual(rendered, {"value": case["value"]})
            self.assertEqual(json.dumps(rendered["value"]), json.dumps(case["value"]))
        else:
            self.assertEqual(rendered, {"error": case["error"], "undefined": case["undefined"]})

    def test_names_and_whether_a_result_may_be_kept(self):
        for text, names, constant in (
            ("{{ event.a }}{{ b }}", ["b", "event"], False),
            ("{{ b | upper }}", ["b"], True),
            ("{{ 1 + 1 }}", [], True),
            ("{% set x = a %}{{ x }}{{ range(3) }}", ["a"], True),
            ("{{ events.m.a }}", ["events"], False),
            ("{{ [1, 2] | random }}", [], False),
            ("{{ a.append(1) }}", ["a"], False),
            ("{{ lipsum(1) }}", [], False),
        ):
            compiled = self.renderer.compile(text)
            self.assertEqual((compiled["names"], compiled["constant"]), (names, constant), text)

    def test_startup_variables_are_known(self):
        renderer = Renderer(self.start(variables={"a": 1, "b": "2", "range": "own", "event": "hidden"}))
        self.assertEqual(renderer.value_of("{{ a }}{{ b }}{{ range }}"), "12own")
        self.assertEqual(renderer.value_of("{{ event.x }}", event={"x": 5}), 5)
        compiled = renderer.compile("{{ a + 1 }}")
        self.assertTrue(compiled["constant"])
        for _ in range(2):
            self.assertEqual(renderer.render(compiled["id"], {}), {"value": 2})

    def test_a_syntax_error_names_its_line(self):
        compiled = self.renderer.compile("fine\n{{ a }}\n{{ a b }}")
        self.assertEqual(compiled["line"], 3)
        self.assertIn("got 'b'", compiled["error"])

    def test_values_that_are_no_json_have_a_form(self):
        value_of = self.renderer.value_of
        self.assertTrue(value_of("{{ event.items }}", event={}).startswith("<built-in method items of dict"))
        self.assertTrue(value_of("{{ lipsum }}").startswith("<function"))
        self.assertIsNone(value_of("{{ a * 1e308 * 10 }}", a=1))
        self.assertEqual(value_of("{{ [a * 1e308 * 10, 1] }}", a=-1), [None, 1])

    def test_a_template_that_was_never_compiled(self):
        self.assertIn("error", self.renderer.render(12345, {}))

    def test_texts_of_events_cannot_break_the_host(self):
        compiled = self.renderer.compile("{{ event.x }}")["id"]
        for text in (
            "(" * 5000,
            "-" * 100_000 + "1",
            "[" * 150 + "]" * 150,
            "\x00",
            "9" * 10_000,
            "'\\ud800'",
        ):
            rendered = self.renderer.render(compiled, {"event": {"x": text}})
            self.assertIn("value", rendered, text[:20])
        self.assertEqual(
            self.renderer.render(compiled, {"event": {"x": "-" * 9 + "1"}}), {"value": "-" * 9 + "1"}
        )

    def test_many_requests_at_once_are_all_answered(self):
        number = self.renderer.compile("{{ event.i }}")["id"]
        for i in range(2000):
            self.engine.send(frames.RENDER, 0, {"id": i, "template": number, "scope": {"event": {"i": i}}})
        for i in range(2000):
            self.assertEqual(self.engine.wait_for(frames.RENDERED, 0), {"id": i, "value": i})


@unittest.skipIf(jinja2 is None, "Jinja2 is not installed")
class Literals(unittest.TestCase):
    def test_the_quick_look_at_a_text_changes_nothing(self):
        from millrace_host.templates import _is_json, literal_value

        def slowly(text):
            try:
                value = literal_eval(parse(text, mode="eval"))
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                return text
            return value if _is_json(value) else text

        pieces = ["None", "True", "False", "set", "not", "b'", "r'", "u'x'", "Rb", "f'", "'", '"', "1", "0x", "e", "_",
                  ".", "-", "+", "[", "]", "(", ")", "{", "}", ",", ":", " ", "\n", "\t", "#", "a", "é", "\\", "j"]  # fmt: skip
        generator = random.Random(5)
        for _ in range(20_000):
            text = "".join(generator.choices(pieces, k=generator.randint(0, 5)))
            self.assertEqual(repr(literal_value(text)), repr(slowly(text)), repr(text))


class WithoutJinja(unittest.TestCase):
    def test_it_is_said_how_to_get_it(self):
        with Engine(environment={"PYTHONPATH": ""}) as engine:
            blocker = engine.write_file("raise ImportError('no jinja2 here')\n", "jinja2.py")
            folder = blocker.rsplit("/", 1)[0]
            with Engine(environment={"PYTHONPATH": folder}) as other:
                other.send(frames.COMPILE, 0, {"id": 1, "text": "{{ a }}"})
                compiled = other.wait_for(frames.COMPILED, 0)
                self.assertIn("python3-jinja2", compiled["error"])
                self.assertTrue(compiled["unavailable"])


if __name__ == "__main__":
    unittest.main()
