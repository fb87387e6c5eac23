# SPDX-License-Identifier: Apache-2.0
"""Rulebooks that run Ansible: the real ansible-playbook, on this machine only."""
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import program  # noqa: E402

DEADLINE = 60


def wait_until(condition, what):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {DEADLINE} s: {what}")


def is_running(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


class AnsibleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if shutil.which("ansible-playbook") is None:
            raise unittest.SkipTest("ansible-playbook is not installed")

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "tmp").mkdir()
        self.write("hosts", """
            web ansible_connection=local ansible_python_interpreter=/usr/bin/python3
            db ansible_connection=local ansible_python_interpreter=/usr/bin/python3
            """)
        self.environment = {**os.environ, "HOME": str(self.folder), "TMPDIR": str(self.folder / "tmp"),
                            "ANSIBLE_LOCALHOST_WARNING": "False"}
        for name in list(self.environment):
            if name.startswith(("EDA_", "ANSIBLE_INVENTORY")):
                del self.environment[name]

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def call(self, *arguments, inventory="hosts", **more):
        command = [program(), "run", "rulebook.yml", "--stats", "stats.json", "-q", *arguments]
        if inventory:
            command += ["-i", inventory]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True,
                              timeout=DEADLINE, **more)
        self.assertEqual(list((self.folder / "tmp").glob("eda*")), [], "folders of runs are left")
        return done

    def stats(self):
        return json.loads((self.folder / "stats.json").read_text())

    def run_well(self, *arguments, failed=0, **more):
        done = self.call(*arguments, **more)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        self.assertEqual(self.stats()["actions"]["failed"], failed, done.stderr + done.stdout)
        return done

    # --- playbooks ----------------------------------------------------------------------------------------------------

    def test_facts_of_a_playbook_come_back_and_fire_another_rule(self):
        self.write("playbooks/tasks.yml", """
            - set_fact:
                state: "{{ ansible_eda.event.service }} on {{ colour }}, {{ hidden }}, {{ beside }}"
                cacheable: true
            - set_fact: {state: not this one}
            """)
        self.write("playbooks/site.yml", """
            - hosts: all
              gather_facts: false
              tasks:
                - import_tasks: tasks.yml
                - debug: {msg: "evil is {{ ansible_eda.event.evil }}"}
            """)
        self.write("group_vars/all.yml", "beside: of the inventory's folder\n")
        self.write("rulebook.yml", """
            - name: Repair
              hosts: web
              sources:
                - generic:
                    payload:
                      - {service: httpd, evil: "{% raw %}{{ lookup('pipe', 'id') }}{% endraw %}"}
              rules:
                - name: Run
                  condition: event.service is defined
                  action:
                    run_playbook:
                      name: playbooks/site.yml
                      set_facts: true
                      post_events: true
                      extra_vars:
                        colour: "{{ paint }}"
                        hidden: "{{ event.evil }}"
                - name: Came back
                  condition: event.meta.source.name == "run_playbook"
                  action: {print_event: }
            """)
        self.write("vars.yml", "paint: blue\n")
        done = self.run_well("-e", "vars.yml", "--print-events")
        state = "httpd on blue, {{ lookup('pipe', 'id') }}, of the inventory's folder"
        self.assertIn("evil is {{ lookup('pipe', 'id') }}", done.stdout)
        self.assertIn("[playbook: set-facts]", done.stdout)
        self.assertEqual(self.stats()["rules"]["Repair"], {"Run": 1, "Came back": 2}, done.stdout)
        printed = [line for line in done.stdout.splitlines() if line.startswith("{'state'")]
        self.assertEqual(len(printed), 2, done.stdout)
        self.assertIn(repr(state), printed[0])
        self.assertIn("'type': 'internal'", printed[0])
        self.assertRegex(done.stdout, r"web +: ok=3 ")
        self.assertNotIn("db ", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_stats_limits_of_events_and_parts_of_events(self):
        self.write("site.yml", """
            - hosts: all
              gather_facts: false
              tasks:
                - set_stats: {data: {seen: "{{ ansible_eda.event.deep }}", by: "{{ ansible_eda.ruleset }}"}}
            """)
        self.write("rulebook.yml", """
            - name: Limits
              hosts: web
              sources:
                - generic:
                    payload: [{alert: {deep: 7}, meta: {hosts: [db]}}]
              rules:
                - name: Run
                  condition: event.alert is defined
                  action:
                    run_playbook: {name: site.yml, copy_files: false, post_events: true, var_root: alert, verbosity: 1}
                - {name: Seen, condition: event.seen == "7" and event.by == "Limits", action: {none: }}
            """)
        done = self.run_well()
        self.assertEqual(self.stats()["rules"]["Limits"], {"Run": 1, "Seen": 1}, done.stdout)
        self.assertRegex(done.stdout, r"db +: ok=1 ")
        self.assertNotRegex(done.stdout, r"web +: ")

    def test_a_failing_playbook_is_run_again_and_a_missing_one_is_told(self):
        self.write("fails.yml", """
            - hosts: all
              gather_facts: false
              tasks: [{name: Break, fail: {msg: as it must}}]
            """)
        self.write("rulebook.yml", """
            - name: Failures
              hosts: web
              sources: [{generic: {payload: [{i: 1}]}}]
              rules:
                - name: Run
                  condition: event.i == 1
                  actions:
                    - run_playbook: {name: fails.yml, retries: 2, retry: true, delay: 0.1, set_facts: true}
                    - run_playbook: {name: missing.yml}
                    - run_playbook: {name: ns.coll.missing}
                    - print_event:
            """)
        done = self.run_well(failed=3)
        self.assertEqual(done.stdout.count("PLAY RECAP"), 3)
        for text in ["Previous run_playbook failed. Retry 1 of 2", "Previous run_playbook failed. Retry 2 of 2",
                     "Error calling action run_playbook, err fails.yml failed with rc 2: web: Break: as it must",
                     f"Could not find a playbook for missing.yml from {self.folder}",
                     f"Could not find a playbook for ns.coll.missing from {self.folder}"]:
            self.assertIn(text, done.stderr)
        self.assertIn("[event]", done.stdout)

    def test_a_playbook_of_a_collection(self):
        self.write("collections/ansible_collections/ns/coll/playbooks/hello.yml", """
            - hosts: all
              gather_facts: false
              tasks: [{debug: {msg: hello from the collection}}]
            """)
        self.environment["ANSIBLE_COLLECTIONS_PATHS"] = str(self.folder / "collections")
        self.write("rulebook.yml", """
            - name: Collections
              hosts: web
              sources: [{generic: {payload: [{i: 1}]}}]
              rules:
                - name: Run
                  condition: event.i == 1
                  action: {run_playbook: {name: ns.coll.hello, json_mode: true}}
            """)
        done = self.run_well()
        events = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([event["counter"] for event in events], list(range(1, len(events) + 1)))
        told = next(event for event in events if event["event"] == "runner_on_ok")
        self.assertIn("hello from the collection", told["stdout"])
        self.assertEqual(told["event_data"]["res"]["msg"], "hello from the collection")
        self.assertEqual(told["end_line"] - told["start_line"], told["stdout"].count("\n") + 1)

    def test_modules(self):
        self.write("rulebook.yml", """
            - name: Modules
              hosts: web
              sources: [{generic: {payload: [{i: 1, text: "{% raw %}{{ 1 + 1 }}{% endraw %}"}]}}]
              rules:
                - name: Run
                  condition: event.i == 1
                  actions:
                    - run_module:
                        name: ansible.builtin.debug
                        module_args: {msg: "said {{ event.text }}"}
                        set_facts: true
                    - run_module: {name: command, module_args: "echo free form"}
                    - run_module: {name: no_such_module}
                    - run_module: {name: "no module"}
                - name: Told
                  condition: fact.msg is defined
                  action: {print_event: }
            """)
        done = self.run_well("--print-events", failed=2)
        self.assertIn("[module: set-facts]", done.stdout)
        self.assertIn("said {{ 1 + 1 }}", done.stdout)
        self.assertIn("'name': 'run_module'", done.stdout)
        self.assertEqual(self.stats()["rules"]["Modules"]["Told"], 1)
        self.assertIn("no_such_module failed with rc 4", done.stderr)
        self.assertIn("`no module` is no name of a module", done.stderr)

    def test_a_playbook_is_ended_with_the_engine(self):
        self.write("slow.yml", """
            - hosts: all
              gather_facts: false
              tasks:
                - shell: |
                    echo $$ > {{ ansible_eda.event.file }}.new
                    mv {{ ansible_eda.event.file }}.new {{ ansible_eda.event.file }}
                    exec sleep 300
            """)
        self.write("rulebook.yml", f"""
            - name: Slow
              hosts: web
              sources:
                - generic: {{payload: [{{file: {self.folder}/pid}}], shutdown_after: 1000}}
              rules:
                - name: Run
                  condition: event.file is defined
                  action: {{run_playbook: {{name: slow.yml}}}}
            """)
        engine = subprocess.Popen([program(), "run", "rulebook.yml", "-i", "hosts", "--shutdown-delay", "0.2"],
                                  cwd=self.folder, env=self.environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
        try:
            wait_until(lambda: (self.folder / "pid").exists() or engine.poll() is not None, "the playbook's command")
            self.assertIsNone(engine.poll())
            pid = int((self.folder / "pid").read_text())
            self.assertTrue(is_running(pid))
            engine.send_signal(signal.SIGTERM)
            self.assertEqual(engine.wait(timeout=20), 143)
            self.assertFalse(is_running(pid))
            self.assertEqual(list((self.folder / "tmp").glob("eda*")), [])
        finally:
            if engine.poll() is None:
                engine.kill()
            engine.communicate()

    def test_actions_of_one_lock_do_not_overlap(self):
        self.write("site.yml", f"""
            - hosts: all
              gather_facts: false
              tasks:
                - shell: "mkdir {self.folder}/held && sleep 0.2 && rmdir {self.folder}/held"
            """)
        self.write("rulebook.yml", """
            - name: Locks
              hosts: web
              execution_strategy: parallel
              sources: [{generic: {payload: [{i: 1}, {i: 2}, {i: 3}]}}]
              rules:
                - name: Run
                  condition: event.i is defined
                  action: {run_playbook: {name: site.yml, lock: "{{ name }}"}}
            """)
        self.write("vars.yml", "name: one\n")
        self.run_well("-e", "vars.yml")

    def test_the_example(self):
        root = pathlib.Path(__file__).resolve().parents[2]
        done = subprocess.run([program(), "run", "examples/ansible/rulebook.yml", "-i", "examples/ansible/inventory.yml"],
                              cwd=root, env=self.environment, capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("\n/ of web: looked at\n", done.stdout)

    # --- inventories --------------------------------------------------------------------------------------------------

    def test_an_inventory_is_needed(self):
        self.write("rulebook.yml", """
            - name: Hosts
              hosts: all
              sources: [{generic: {payload: [{i: 1}]}}]
              rules:
                - {name: Run, condition: event.i == 1, action: {run_playbook: {name: site.yml}}}
            """)
        done = self.call(inventory="")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Rule Run has an action run_playbook which needs inventory to be defined", done.stderr)
        done = self.call(inventory="nowhere")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Inventory nowhere not found", done.stderr)
        checked = subprocess.run([program(), "check", "rulebook.yml"], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_facts_are_gathered_before_sources_start(self):
        self.write("rulebook.yml", """
            - name: Facts
              hosts: all
              gather_facts: true
              sources: [{generic: {payload: [{i: 1}]}}]
              rules:
                - name: Both
                  condition:
                    all: [fact.ansible_system == "Linux" and fact.meta.hosts == "web", event.i == 1]
                  action: {none: }
                - {name: Each, condition: fact.ansible_system is defined, action: {none: }}
            """)
        self.run_well()
        self.assertEqual(self.stats()["rules"]["Facts"], {"Both": 1, "Each": 2})
        done = self.run_well(inventory="")
        self.assertIn("Ignoring gather_facts, since it requires inventory", done.stderr)
        self.assertEqual(self.stats()["rules"]["Facts"], {"Both": 0, "Each": 0})

    # --- vaults and projects ------------------------------------------------------------------------------------------

    def encrypt(self, text, password, label=None):
        file = self.write(f"secret-{password}", password + "\n")
        file.chmod(0o600)
        named = ["--encrypt-vault-id", label, "--vault-id", f"{label}@{file}"] if label else \
            ["--vault-password-file", file]
        done = subprocess.run(["ansible-vault", "encrypt", *named, "--output", "-"], input=text, env=self.environment,
                              capture_output=True, text=True, check=True, cwd=self.folder)
        return done.stdout

    def test_encrypted_texts(self):
        one = textwrap.indent(self.encrypt("word one", "pass1"), " " * 8)
        two = textwrap.indent(self.encrypt("word two", "pass2", "second"), " " * 24)
        (self.folder / "vars.yml").write_text("secret: !vault |\n" + one)
        (self.folder / "rulebook.yml").write_text("""
- name: Vaults
  hosts: all
  sources: [{generic: {payload: [{i: 1}]}}]
  rules:
    - name: Run
      condition: event.i == 1
      action:
        debug:
            msg:
              - "{{ secret }}"
              - |
""" + two)
        arguments = ["-e", "vars.yml", "--vault-password-file", "secret-pass1"]
        done = self.run_well(*arguments, "--vault-id", "second@secret-pass2")
        self.assertIn("\nword one\n", done.stdout)
        self.assertIn("\nword two\n", done.stdout)
        self.environment["EDA_VAULT_PASSWORD_FILE"] = "secret-pass1"
        done = self.call("-e", "vars.yml", "--vault-id", "second@secret-pass1")
        self.assertIn("cannot be decrypted", done.stderr)
        self.assertNotIn("pass1\n", done.stderr)
        del self.environment["EDA_VAULT_PASSWORD_FILE"]
        done = self.call("-e", "vars.yml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("No vault secrets were provided", done.stderr)
        done = self.call("-e", "vars.yml", "--vault-password-file", "nowhere")
        self.assertIn("Vault password file nowhere not found", done.stderr)
        (self.folder / "whole.yml").write_text(self.encrypt("secret: word three\n", "pass1"))
        done = self.run_well("-e", "whole.yml", "--vault-password-file", "secret-pass1", "--vault-id",
                             "second@secret-pass2")
        self.assertIn("\nword three\n", done.stdout)

    def test_a_vault_password_can_be_typed(self):
        (self.folder / "vars.yml").write_text(self.encrypt("secret: word four\n", "pass4"))
        self.write("rulebook.yml", """
            - name: Vaults
              hosts: all
              sources: [{generic: {payload: [{i: 1}]}}]
              rules:
                - {name: Run, condition: event.i == 1, action: {debug: {msg: "{{ secret }}"}}}
            """)
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execve(program(), [str(program()), "run", "rulebook.yml", "-q", "--no-progress", "-e", "vars.yml",
                                  "--ask-vault-pass"], self.environment)
        shown = b""
        try:
            while b"Vault password: " not in shown:
                shown += os.read(terminal, 1000)
            os.write(terminal, b"pass4\n")
            while True:
                shown += os.read(terminal, 1000)
        except OSError:
            pass  # the end
        finally:
            os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, shown)
        self.assertIn(b"word four", shown)
        self.assertNotIn(b"pass4", shown)

    def tarball(self, name, add):
        with tarfile.open(self.folder / name, "w:gz") as tar:
            add(tar)

    def test_a_project_in_a_tarball(self):
        self.write("project/roles/greet/tasks/main.yml", "- debug: {msg: greetings from the role}\n")
        self.write("project/playbooks/site.yml", """
            - hosts: all
              gather_facts: false
              tasks: [{include_role: {name: greet}}]
            """)
        self.write("project/ansible.cfg", "[defaults]\nroles_path = roles\n")
        self.write("rulebook.yml", """
            - name: Projects
              hosts: web
              sources: [{generic: {payload: [{i: 1}]}}]
              rules:
                - {name: Run, condition: event.i == 1, action: {run_playbook: {name: playbooks/site.yml}}}
            """)
        self.tarball("good.tgz", lambda tar: tar.add(self.folder / "project", "."))
        self.assertIn("greetings from the role", self.run_well("-T", "good.tgz").stdout)

        def link(target, kind):
            def add(tar):
                member = tarfile.TarInfo("link")
                member.type = kind
                member.linkname = target
                tar.addfile(member)
            return add

        bad = {"up.tgz": lambda tar: tar.add(self.folder / "hosts", "../up"),
               "absolute.tgz": lambda tar: tar.addfile(tarfile.TarInfo("/tmp/absolute")),
               "link.tgz": link("/etc/passwd", tarfile.SYMTYPE),
               "fifo.tgz": link("", tarfile.FIFOTYPE)}
        for name, add in bad.items():
            self.tarball(name, add)
            done = self.call("-T", name)
            self.assertEqual(done.returncode, 1, name)
            self.assertIn(f"Terminating: {name}: ", done.stderr)
        self.assertFalse((self.folder / "tmp" / "up").exists())
        self.assertIn("Project tarball nowhere.tgz not found", self.call("-T", "nowhere.tgz").stderr)


if __name__ == "__main__":
    unittest.main()
