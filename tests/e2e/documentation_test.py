#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the documentation shows is what happens: the first rulebook, its output, links, and names of targets."""
import os
import pathlib
import re
import subprocess
import unittest

from program import ROOT, program, run

README = (ROOT / "README.md").read_text(encoding="utf-8")


def fenced_blocks(text, language=""):
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [content for written, content in blocks if written == language]


def without_time(text):
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+", "TIME", text).strip()


class Readme(unittest.TestCase):
    def test_shows_the_first_rulebook(self):
        self.assertIn((ROOT / "examples/first/rulebook.yml").read_text(), fenced_blocks(README, "yaml"))

    def test_shows_the_output_of_the_first_rulebook(self):
        done, _ = run("examples/first/rulebook.yml")
        shown = [without_time(block) for block in fenced_blocks(README)]
        banners = re.findall(r"^\*\* .*?^\*+$", done.stdout, re.MULTILINE | re.DOTALL)
        self.assertEqual(len(banners), 1, done.stdout)
        self.assertTrue(any(without_time(banners[0]) in block for block in shown), done.stdout)


class TestingRulebooks(unittest.TestCase):
    PAGE = (ROOT / "docs/guide/testing-rulebooks.md").read_text(encoding="utf-8")
    FILE = "examples/testing/rulebook.test.yml"

    def test_shows_a_part_of_the_example(self):
        example = (ROOT / self.FILE).read_text(encoding="utf-8")
        for part in fenced_blocks(self.PAGE, "yaml")[0].split("\n\n"):
            self.assertIn(part.removeprefix("cases:\n"), example)

    def test_shows_the_output_of_the_example(self):
        done = subprocess.run([program(), "test", self.FILE], cwd=ROOT, capture_output=True, text=True)
        shown = [re.sub(r"in [\d.]+ ms", "in N ms", block) for block in fenced_blocks(self.PAGE)]
        self.assertIn(re.sub(r"in [\d.]+ ms", "in N ms", f"$ millrace test {self.FILE}\n{done.stdout}"), shown)


class Documents(unittest.TestCase):
    def test_reference_says_what_the_program_says(self):
        checked = subprocess.run([ROOT / "scripts" / "make-reference", "--check"], capture_output=True, text=True,
                                 env={**os.environ, "MILLRACE_PROGRAM": str(program())})
        self.assertEqual((checked.returncode, checked.stdout), (0, ""), checked.stderr)

    def test_link_to_files_that_exist(self):
        listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True)
        for name in listed.stdout.split():
            page = ROOT / name
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
                with self.subTest(page=name, link=target):
                    self.assertTrue((page.parent / target).exists())

    def test_name_targets_that_exist(self):
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *pathlib.Path(ROOT, "docs").rglob("*.md")]:
            for target in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8")):
                with self.subTest(page=page.name, target=target):
                    self.assertIn(target, targets)


if __name__ == "__main__":
    unittest.main()
