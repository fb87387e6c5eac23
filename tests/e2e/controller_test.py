#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Job and workflow templates at a controller that a local server plays, its faults included."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

from program import program
from peers.controller import Controller

# Looks at jobs, and pauses between attempts, come quickly.
QUICK = {"EDA_JOB_TEMPLATE_REFRESH_DELAY": "0.05", "EDA_CONTROLLER_RETRY_MAX_TIMEOUT": "0.1"}


def rulebook(action, events, **more):
    """One rule that acts on each event; others print what comes back."""
    return [{"name": "jobs", "hosts": ["web1", "web2"], **more,
             "sources": [{"generic": {"payload": events}}],
             "rules": [{"name": "act", "condition": "event.i is defined", "actions": [action, {"debug": {"msg": "next action"}}]},
                       {"name": "tell", "condition": "event.answer is defined",
                        "action": {"debug": {"msg": "answer {{ event.answer }}"}}}]}]


class ControllerActions(unittest.TestCase):
    def setUp(self):
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.folder = pathlib.Path(kept.name)
        self.controller = Controller()
        self.controller.start()
        self.addCleanup(self.controller.stop)

    def start(self, rules, *options, environment=None, connect=True):
        (self.folder / "rulebook.yml").write_text(json.dumps(rules))
        named = ["--controller-url", self.controller.url, "--controller-token", "open-sesame"] if connect else []
        with open(self.folder / "output", "wb") as output, open(self.folder / "errors", "wb") as errors:
            process = subprocess.Popen(
                [program(), "run", "rulebook.yml", "--stats", "stats.json", *named, *options], cwd=self.folder,
                stdout=output, stderr=errors,
                env={**os.environ, "HOME": str(self.folder), **QUICK, **(environment or {})})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def finish(self, process, code=0):
        process.wait(60)
        output, errors = (self.folder / "output").read_text(), self.errors()
        self.assertEqual(process.returncode, code, errors)
        self.assertNotIn("open-sesame", output + errors)
        return output, errors

    def errors(self):
        return (self.folder / "errors").read_text()

    def run_to_end(self, *arguments, **more):
        return self.finish(self.start(*arguments, **more))

    def actions(self):
        return json.loads((self.folder / "stats.json").read_text())["actions"]

    def wait_until(self, condition, seconds=20):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, self.controller.requests)
            time.sleep(0.02)

    # --- success

    def test_a_job_gets_the_event_and_gives_facts_back(self):
        self.controller.add_template("deploy", artifacts={"answer": 42}, ask_labels_on_launch=True)
        action = {"run_job_template": {
            "name": "deploy", "organization": "Default", "set_facts": True, "labels": ["mine"], "add_event_uuid_label": True,
            "job_args": {"extra_vars": {"greeting": "hello {{ event.who }}"}, "verbosity": 1}}}
        output, errors = self.run_to_end(rulebook(action, [{"i": 1, "who": "you"}]), "--print-events")
        self.assertIn("answer 42", output)
        self.assertIn("next action", output)
        self.assertIn("[job: set-facts]", output)
        self.assertEqual(errors.count("WARNING"), 0, errors)
        (arguments,) = self.controller.bodies("/launch/")
        self.assertEqual(arguments["limit"], "web1,web2")
        self.assertEqual(arguments["verbosity"], 1)
        self.assertEqual(arguments["extra_vars"]["greeting"], "hello you")
        given = arguments["extra_vars"]["ansible_eda"]
        self.assertEqual((given["ruleset"], given["rule"], given["event"]["i"]), ("jobs", "act", 1))
        labels = [name for name, _ in self.controller.labels]
        self.assertEqual(labels, ["Activated by Event-Driven Ansible", "mine",
                                  "eda-event-uuid-" + given["event"]["meta"]["uuid"]])
        self.assertEqual(arguments["labels"], [1, 2, 3])

    def test_a_workflow_posts_an_event(self):
        self.controller.add_template("flow", kind="workflow_job_template", artifacts={"answer": 7})
        action = {"run_workflow_template": {"name": "flow", "organization": "Default", "post_events": True,
                                            "include_events": False}}
        output, errors = self.run_to_end(rulebook(action, [{"i": 1, "meta": {"hosts": ["db1"]}}]), "--print-events")
        self.assertIn("answer 7", output)
        self.assertIn("[workflow: set-facts]", output)
        self.assertIn("does not take a limit", errors)
        self.assertEqual(self.controller.bodies("/launch/"), [{}])
        self.assertTrue(self.controller.paths("/workflow_jobs/"))

    def test_hosts_of_the_event_or_of_the_arguments_are_the_limit(self):
        self.controller.add_template("deploy")
        action = {"run_job_template": {"name": "deploy", "organization": "Default"}}
        self.run_to_end(rulebook(action, [{"i": 1, "meta": {"hosts": ["db1", "db2"]}}]))
        action["run_job_template"]["job_args"] = {"limit": ["x", "y"]}
        self.run_to_end(rulebook(action, [{"i": 1}]))
        self.assertEqual([body["limit"] for body in self.controller.bodies("/launch/")], ["db1,db2", "x,y"])

    def test_a_template_beyond_the_first_page_is_found(self):
        for i in range(25):
            self.controller.add_template("deploy", organization=f"other {i}")
        self.controller.add_template("deploy")
        self.run_to_end(rulebook({"run_job_template": {"name": "deploy", "organization": "Default"}}, [{"i": 1}]))
        self.assertEqual(len(self.controller.paths("unified_job_templates")), 3)
        self.assertEqual(self.actions(), {"ok": 2, "failed": 0})

    def test_one_look_serves_many_jobs(self):
        self.controller.add_template("deploy")
        action = {"run_job_template": {"name": "deploy", "organization": "Default"}}
        self.run_to_end(rulebook(action, [{"i": i} for i in range(60)], execution_strategy="parallel"),
                        "--max-concurrent-actions", "30", environment={"EDA_JOB_TEMPLATE_REFRESH_DELAY": "0.5"})
        self.assertEqual(len(self.controller.jobs), 60)
        self.assertGreater(self.controller.most_launched, 5)
        sizes = [path.split("id__in=")[1].split("&")[0].count(",") + 1 for path in self.controller.paths("/jobs/")]
        self.assertLessEqual(max(sizes), 25)
        self.assertGreater(max(sizes), 5)
        self.assertEqual(self.actions(), {"ok": 120, "failed": 0})

    # --- failure

    def test_a_failed_job_fails_the_action_and_no_more(self):
        self.controller.add_template("deploy", outcomes=["failed"], artifacts={"answer": 1})
        action = {"run_job_template": {"name": "deploy", "organization": "Default", "set_facts": True}}
        output, errors = self.run_to_end(rulebook(action, [{"i": 1}]))
        self.assertIn("Error calling action run_job_template, err job 1 of template deploy ended: failed", errors)
        self.assertIn("next action", output)
        self.assertNotIn("answer", output)
        self.assertEqual(len(self.controller.jobs), 1)

    def test_a_failed_job_is_run_again(self):
        self.controller.add_template("deploy", outcomes=["failed", "failed", "successful"], artifacts={"answer": 3})
        action = {"run_job_template": {"name": "deploy", "organization": "Default", "set_facts": True, "retries": 5}}
        output, errors = self.run_to_end(rulebook(action, [{"i": 1}]))
        self.assertIn("Previous run_job_template failed. Retry 1 of 5", errors)
        self.assertIn("Previous run_job_template failed. Retry 2 of 5", errors)
        self.assertNotIn("Retry 3", errors)
        self.assertIn("answer 3", output)
        self.assertEqual(self.actions()["failed"], 0)

    def test_retry_alone_means_once(self):
        self.controller.add_template("deploy", outcomes=["failed"])
        action = {"run_job_template": {"name": "deploy", "organization": "Default", "retry": True}}
        _, errors = self.run_to_end(rulebook(action, [{"i": 1}]))
        self.assertIn("Retry 1 of 1", errors)
        self.assertEqual(len(self.controller.jobs), 2)

    def test_only_failed_is_run_again(self):
        self.controller.add_template("deploy", outcomes=["canceled"])
        action = {"run_job_template": {"name": "deploy", "organization": "Default", "retries": 5}}
        _, errors = self.run_to_end(rulebook(action, [{"i": 1}]))
        self.assertIn("ended: canceled", errors)
        self.assertEqual(len(self.controller.jobs), 1)

    def test_unknown_templates_are_told(self):
        self.controller.add_template("deploy", organization="other")
        for action, text in [("run_job_template", "Job template deploy in organization Default does not exist"),
                             ("run_workflow_template", "Workflow template deploy in organization Default does not exist")]:
            output, errors = self.run_to_end(
                rulebook({action: {"name": "deploy", "organization": "Default"}}, [{"i": 1}]))
            self.assertIn(text, errors)
            self.assertIn("next action", output)

    def test_wrong_credentials_are_told_and_not_shown(self):
        self.controller.token = "another"
        self.controller.add_template("deploy")
        _, errors = self.run_to_end(
            rulebook({"run_job_template": {"name": "deploy", "organization": "Default"}}, [{"i": 1}]))
        self.assertIn("status 401", errors)
        self.assertEqual(len(self.controller.requests), 1, "nothing is tried again")

    # --- faults

    def test_faults_for_a_while_are_overcome(self):
        self.controller.add_template("deploy", artifacts={"answer": 5}, ask_labels_on_launch=True)
        self.controller.fault("GET", "/config/", 503, "drop")
        self.controller.fault("GET", "unified_job_templates", 500, 429, "half")
        self.controller.fault("POST", "/labels/", 502)
        self.controller.fault("POST", "/launch/", 429, 503)
        self.controller.fault("GET", "/jobs/", "drop", 504, "half", "drop", 500, 0.5, "drop")
        action = {"run_job_template": {"name": "deploy", "organization": "Default", "set_facts": True}}
        output, errors = self.run_to_end(rulebook(action, [{"i": 1}]))
        self.assertIn("answer 5", output)
        self.assertIn("again in", errors)
        self.assertEqual(len(self.controller.jobs), 1, "launched once")

    def test_a_launch_whose_connection_is_lost_is_sent_again(self):
        self.controller.add_template("deploy")
        self.controller.fault("POST", "/launch/", "drop")
        self.run_to_end(rulebook({"run_job_template": {"name": "deploy", "organization": "Default"}}, [{"i": 1}]))
        self.assertEqual(len(self.controller.bodies("/launch/")), 2)
        self.assertEqual(self.actions()["failed"], 0)

    def test_a_launch_that_the_controller_fails_is_not_sent_again(self):
        self.controller.add_template("deploy")
        self.controller.fault("POST", "/launch/", 500)
        _, errors = self.run_to_end(
            rulebook({"run_job_template": {"name": "deploy", "organization": "Default"}}, [{"i": 1}]))
        self.assertIn("status 500", errors)
        self.assertEqual(len(self.controller.bodies("/launch/")), 1)

    def test_another_worker_may_make_the_label_first(self):
        self.controller.add_template("deploy", ask_labels_on_launch=True)
        found = self.controller._find_labels
        answers = [{"results": [], "next": None}]
        self.controller._find_labels = lambda query: answers.pop() if answers else found(query)
        self.controller.labels["mine", 7] = 9
        self.run_to_end(rulebook({"run_job_template": {"name": "deploy", "organization": "Default", "labels": []}}, [{"i": 1}]),
                        environment={"EDA_LABELS": '["mine"]'})
        self.assertEqual(self.controller.bodies("/launch/")[0]["labels"], [9])

    def test_a_running_job_outlives_a_restart_of_the_controller(self):
        self.controller.add_template("deploy", artifacts={"answer": 8})
        self.controller.looks = 1000000
        action = {"run_job_template": {"name": "deploy", "organization": "Default", "set_facts": True}}
        process = self.start(rulebook(action, [{"i": 1}]))
        self.wait_until(lambda: self.controller.paths("/jobs/"))
        self.controller.stop()
        self.wait_until(lambda: "running jobs cannot be seen" in self.errors())
        self.controller.looks = 1
        self.controller.start()
        output, errors = self.finish(process)
        self.assertIn("answer 8", output)
        self.assertEqual(errors.count("running jobs"), 1, errors)
        self.assertEqual(len(self.controller.jobs), 1)

    def test_a_wait_ends_with_the_run(self):
        self.controller.add_template("deploy")
        self.controller.looks = 1000000
        process = self.start(rulebook({"run_job_template": {"name": "deploy", "organization": "Default"}}, [{"i": 1}]),
                             "--shutdown-delay", "0.2", environment={"EDA_JOB_TEMPLATE_REFRESH_DELAY": "1000"})
        self.wait_until(lambda: self.controller.jobs)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        self.finish(process, 130)
        self.assertLess(time.monotonic() - begin, 2)

    # --- at the start

    def test_what_is_missing_is_told_at_the_start(self):
        rules = rulebook({"run_job_template": {"name": "deploy", "organization": "Default"}}, [{"i": 1}])
        for options, text in [
                ([], "Rule act has an action run_job_template which needs controller url and token to be defined"),
                (["--controller-url", "nonsense", "--controller-token", "x"], "Invalid controller url."),
                (["--controller-url", "http://127.0.0.1"],
                 "Error: controller_token or controller_username and controller_password is required")]:
            _, errors = self.finish(self.start(rules, *options, connect=False), 1)
            self.assertIn(text, errors)
        self.assertEqual(self.controller.requests, [])


if __name__ == "__main__":
    unittest.main()
