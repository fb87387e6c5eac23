#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `make install` copies is complete: the installed program finds its Python part, and plugins find the headers."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import textwrap
import unittest

from program import program

SOURCE = """
import millrace_host
async def main(queue, args):
    await queue.put({"file": millrace_host.__file__})
"""
RULEBOOK = """
- name: Installed
  hosts: all
  sources:
    - where:
  rules:
    - name: r
      condition: event.file is defined
      action:
        debug: {msg: "{{ event.file }}"}
"""


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build = program().resolve().parent
        if not (build / "cmake_install.cmake").exists() or shutil.which("cmake") is None:
            raise unittest.SkipTest(f"{build} is no folder that can be installed from")
        kept = tempfile.TemporaryDirectory()
        cls.addClassCleanup(kept.cleanup)
        cls.folder = pathlib.Path(kept.name).resolve()
        cls.prefix = cls.folder / "prefix"
        subprocess.run(["cmake", "--install", build, "--prefix", cls.prefix], check=True, capture_output=True)

    def test_the_program_has_both_names(self):
        for name in ("millrace", "ansible-rulebook"):
            self.assertTrue(os.access(self.prefix / "bin" / name, os.X_OK), name)
        self.assertEqual(os.readlink(self.prefix / "bin/ansible-rulebook"), "millrace")

    def test_the_program_runs_its_own_python_part(self):
        (self.folder / "where.py").write_text(textwrap.dedent(SOURCE))
        (self.folder / "rulebook.yml").write_text(RULEBOOK)
        environment = {name: value for name, value in os.environ.items() if name != "MILLRACE_HOST_FOLDER"}
        done = subprocess.run([self.prefix / "bin/millrace", "run", "rulebook.yml", "-S", "."], cwd=self.folder,
                              env=environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(str(self.prefix / "share/millrace/python/millrace_host"), done.stdout)

    def test_ansible_finds_what_it_loads(self):
        self.assertTrue((self.prefix / "share/millrace/python/millrace_ansible/millrace_events.py").exists())

    def test_plugins_find_what_they_are_built_with(self):
        self.assertTrue((self.prefix / "include/millrace/plugin.hpp").exists())
        self.assertTrue((self.prefix / "share/cmake/millrace-plugin/millrace-plugin-config.cmake").exists())


if __name__ == "__main__":
    unittest.main()
