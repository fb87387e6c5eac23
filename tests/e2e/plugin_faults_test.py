#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What users do wrong with plugins, templates and the configuration file, and what they are told."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

from features_test import Folder
from program import program

COUNTING = """
    async def main(queue, args):
        for i in range(2):
            await queue.put({"i": i})
"""
PLUGIN = """
    import millrace

    plugin = millrace.Plugin("numbers", version="1.0", summary="Numbers.")

    @plugin.source("numbers", settings=[])
    async def numbers(queue, settings):
        await queue.put({"i": 1})
"""
# The event is printed: no action of a plugin is needed.
ONE_RULE = """
    - name: one
      hosts: all
      sources:
        - SOURCE
      rules:
        - name: r
          condition: event.i is defined
          action: {print_event: }
"""


class Case(unittest.TestCase):
    def folder(self, source, **files):
        files = {name.replace("__", "/").replace("_py", ".py"): text for name, text in files.items()}
        return Folder(self, {"rulebook.yml": ONE_RULE.replace("SOURCE", source), **files})

    def codes(self, done):
        """{(code, line)} of what `check --json` says."""
        return {(item["code"], item["file"], item["line"]) for item in json.loads(done.stdout)["diagnostics"]}


class Names(Case):
    def test_the_nearest_name_in_a_source_directory(self):
        folder = self.folder("countin:", sources__counting_py=COUNTING)
        done = folder.run("rulebook.yml", "-S", "sources")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Could not find source plugin for countin.", done.stderr)
        self.assertIn("sources/countin.py, the built-in sources", done.stderr)
        self.assertIn("Did you mean `counting`?", done.stderr)

    def test_the_nearest_name_in_a_collection(self):
        folder = self.folder("acme.net.countin:",
                             ansible_collections__acme__net__extensions__eda__plugins__event_source__counting_py=COUNTING)
        done = folder.run("rulebook.yml", env={"ANSIBLE_COLLECTIONS_PATH": str(folder.path)})
        self.assertIn("Did you mean `acme.net.counting`?", done.stderr)

    def test_it_is_told_once(self):
        done = self.folder("no.such.source:").run("rulebook.yml", "--json", command="check")
        self.assertEqual(self.codes(done), {("plugin-not-found", "rulebook.yml", 4)})

    def test_ansible_rulebook_tells_where_it_was_looked_for(self):
        folder = self.folder("countin:", sources__counting_py=COUNTING)
        link = program().parent / "ansible-rulebook"
        if not link.exists():
            raise unittest.SkipTest(f"there is no {link}")
        done = subprocess.run([link, "-r", "rulebook.yml", "-S", "sources"], cwd=folder.path, capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"Terminating: Could not find source plugin for countin\. Please ensure that the "
                                      r"appropriate Ansible collection is installed\.")
        self.assertIn("Did you mean `counting`?", done.stderr)


class SharedObjects(Case):
    def test_one_that_is_cut_short_is_skipped(self):
        real = next((path for path in ("/lib/x86_64-linux-gnu/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6")
                     if os.path.exists(path)), None)
        if real is None:
            raise unittest.SkipTest("no shared object to cut")
        folder = self.folder("range: {limit: 1}")
        whole = pathlib.Path(real).read_bytes()
        (folder.path / "plugins").mkdir()
        (folder.path / "plugins/cut.so").write_bytes(whole[:len(whole) // 2])
        (folder.path / "plugins/text.so").write_text("no")
        done = folder.run("rulebook.yml", "--plugin-dir", "plugins")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"plugin cut \(.*cut\.so\) could not be loaded:\n.*it is cut short")
        self.assertRegex(done.stderr, r"plugin text \(.*text\.so\) could not be loaded:\n.*it is not a shared object")


class Templates(Case):
    def test_every_fault_is_told_at_its_place(self):
        folder = Folder(self, {"rulebook.yml": """
            - name: one
              hosts: all
              sources:
                - generic:
                    payload: "{{ nosuch }}"
                    blob_size: "{{ 1 + }}"
              rules:
                - name: r
                  condition: event.i is defined
                  actions:
                    - debug: {msg: "{{ event.i | to_json }}"}
                    - debug: {msg: "{{ event.i + }}"}
        """})
        done = folder.run("rulebook.yml", "--json", command="check")
        self.assertEqual({line for code, _, line in self.codes(done) if code == "wrong-template"}, {5, 6, 11, 12})
        self.assertIn("No filter named 'to_json' (did you mean `tojson`?)", done.stdout)

    def test_the_template_is_quoted_once(self):
        folder = self.folder("range: {limit: 1}")
        text = (folder.path / "rulebook.yml").read_text().replace("name: r\n", 'name: "{{ x | upper }} {{"\n')
        (folder.path / "rulebook.yml").write_text(text)
        done = folder.run("rulebook.yml", command="check")
        self.assertEqual(done.stderr.splitlines()[0].count("x | upper"), 1, done.stderr)


class Filters(Case):
    def test_the_filter_is_named_that_cannot_go_on(self):
        folder = self.folder("range: {limit: 1}\n      filters: [{strict: }]".replace("\n", "\n    "),
                             filters__strict_py="""
            def main(event, size):
                return event
        """)
        done = folder.run("rulebook.yml", "-F", "filters")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Source error: filter strict: TypeError: main() missing a required argument: 'size'", done.stderr)


class Configuration(Case):
    def check(self, text):
        folder = self.folder("numbers:", plugins__numbers_py=PLUGIN)
        folder.write("millrace.yml", text)
        return folder.run("rulebook.yml", "--plugin-dir", "plugins", "--config", "millrace.yml", "--json", command="check")

    def test_all_faults_are_told(self):
        done = self.check("""
            plugins:
              defaults: {memory: lots}
              numbers:
                seccmp: true
                call_timeout: 0
                user: no-such-user
              other:
                memory: 5
              number:
                seccomp: true
        """)
        self.assertEqual({(code, line) for code, file, line in self.codes(done) if file == "millrace.yml"},
                         {("wrong-type", 2), ("unknown-setting", 4), ("out-of-range", 5), ("unknown-user", 6),
                          ("out-of-range", 8), ("unknown-plugin", 9)})

    def test_a_slip_in_the_first_name_is_a_warning(self):
        done = self.check("plugin: {numbers: {seccomp: true}}\nweather: {cache: 1}\n")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(self.codes(done), {("unknown-key", "millrace.yml", 1)})


class Patience(Case):
    def start(self, folder, *arguments):
        process = subprocess.Popen([program(), "run", "rulebook.yml", *arguments], cwd=folder.path,
                                   env={**os.environ, "HOME": str(folder.path)}, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stderr.close)
        return process

    def wait_for(self, process, pattern):
        for line in process.stderr:
            if re.search(pattern, line):
                return
        self.fail(f"{pattern!r} was not told")

    def test_a_plugin_that_takes_long_to_load_is_told(self):
        folder = self.folder("slow:", sources__slow_py="import time\ntime.sleep(1000)\n")
        self.wait_for(self.start(folder, "-S", "sources"), r"slow \(.*slow\.py\) takes its time to load")

    def test_what_takes_long_to_stop_is_told(self):
        folder = self.folder("deaf:", sources__deaf_py="""
            import time
            async def main(queue, args):
                print("deaf", flush=True)
                time.sleep(1000)
        """)
        process = self.start(folder, "-S", "sources", "-v")
        self.wait_for(process, "deaf")
        process.send_signal(signal.SIGINT)
        self.wait_for(process, "still stopping: .* another signal ends at once")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=30), 130)


    def test_a_source_that_does_not_end_is_named(self):
        folder = self.folder("deaf:", sources__deaf_py="""
            import time
            async def main(queue, args):
                await queue.put({"i": 1})
                time.sleep(1000)
        """)
        text = (folder.path / "rulebook.yml").read_text().replace("print_event", "shutdown")
        (folder.path / "rulebook.yml").write_text(text)
        done = folder.run("rulebook.yml", "-S", "sources")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("WARNING source.deaf: was asked to end, and does not yet", done.stderr)


class Skeletons(Case):
    def run_in(self, folder, *arguments):
        return subprocess.run([program(), "plugin", *arguments], cwd=folder.path, capture_output=True, text=True, timeout=60)

    def test_what_comes_next_can_be_typed_as_it_is(self):
        folder = Folder(self)
        done = self.run_in(folder, "new", "action", "greet", "--language", "python")
        self.assertEqual(done.returncode, 0, done.stderr)
        if shutil.which("python3") is None:
            raise unittest.SkipTest("no python3 in PATH")
        tested = subprocess.run(done.stdout.splitlines()[-1], shell=True, cwd=folder.path, capture_output=True, text=True,
                                timeout=60)
        self.assertEqual(tested.returncode, 0, tested.stderr)

    def test_a_folder_that_is_no_package_names_its_files(self):
        folder = Folder(self, {"plugins/numbers.py": PLUGIN})
        done = self.run_in(folder, "check", "plugins")
        self.assertEqual(done.returncode, 1)
        self.assertIn("check its files: plugins/numbers.py", done.stderr)

    def test_kinds_have_a_plural(self):
        folder = Folder(self)
        self.run_in(folder, "new", "hook_class", "shout", "--language", "python")
        done = self.run_in(folder, "list", "--plugin-dir", "shout")
        self.assertIn("hook_classes:\n  shout", done.stdout)


if __name__ == "__main__":
    unittest.main()
