# SPDX-License-Identifier: Apache-2.0
"""Tells the engine, while a playbook runs, what happens in it: one line of JSON for each event.

Ansible loads this file because the engine puts it beside its copy of the playbook (callback_plugins/). The lines go to
the descriptor that MILLRACE_ANSIBLE_EVENTS names. An event has the shape that Ansible's own runner gives it; `stdout` is
what Ansible has printed since the event before.
"""
import datetime
import json
import os
import sys
import uuid

from ansible.module_utils.common.json import AnsibleJSONEncoder
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: millrace_events
    type: aggregate
    short_description: tells Millrace what happens in a playbook
    description: One line of JSON for each event.
"""

# A longer line would cost the engine more than it tells: the result is left out.
LONGEST_LINE = 4 << 20
HIDDEN = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "millrace_events"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self, display=None, options=None):
        super().__init__(display, options)
        self.descriptor = int(os.environ.get("MILLRACE_ANSIBLE_EVENTS", "-1"))
        self.disabled = self.descriptor < 0
        if self.disabled:
            return
        os.set_inheritable(self.descriptor, False)  # what a playbook starts must not hold it
        self.counter = 0
        self.line = 0
        self.printed = []
        self.playbook = {}
        self.play = {}
        self.task = {}
        self.started = {}
        self.cacheable = set()
        self.hear_display()

    def hear_display(self):
        """Notes what is printed on standard output, which goes on to be printed."""
        display = self._display.display

        def heard(msg, color=None, stderr=False, screen_only=False, log_only=False, newline=True, **more):
            if not stderr and not log_only:
                self.printed.append(msg if msg.endswith("\n") or not newline else msg + "\n")
            return display(msg, color=color, stderr=stderr, screen_only=screen_only, log_only=log_only, newline=newline,
                           **more)

        self._display.display = heard

    def send(self, name, data=None, identity=None):
        text = "".join(self.printed)
        self.printed.clear()
        sys.stdout.flush()  # a pipe is not flushed at line ends
        self.counter += 1
        first = self.line
        self.line += text.count("\n")
        event = {
            "uuid": identity or str(uuid.uuid4()),
            "counter": self.counter,
            "stdout": text.rstrip("\n"),
            "start_line": first,
            "end_line": self.line,
            "runner_ident": os.environ.get("MILLRACE_ANSIBLE_RUN", ""),
            "event": name,
            "pid": os.getpid(),
            "created": now(),
            "event_data": {**self.playbook, **self.play, **self.task, **(data or {})},
        }
        line = self.encoded(event)
        if len(line) > LONGEST_LINE:
            event["event_data"].pop("res", None)
            event["stdout"] = event["stdout"][:1000]
            event["event_data"]["truncated"] = True
            line = self.encoded(event)
        self.write(line[:LONGEST_LINE] + b"\n")

    @staticmethod
    def encoded(event):
        return json.dumps(event, cls=AnsibleJSONEncoder).encode()

    def write(self, line):
        while line:
            try:
                line = line[os.write(self.descriptor, line):]
            except OSError:
                self.disabled = True  # the engine has gone away
                return

    # --- the play -----------------------------------------------------------------------------------------------------

    def v2_playbook_on_start(self, playbook):
        self.playbook = {"playbook": os.path.basename(playbook._file_name), "playbook_uuid": str(uuid.uuid4())}
        self.send("playbook_on_start", identity=self.playbook["playbook_uuid"])

    def v2_playbook_on_play_start(self, play):
        hosts = play.hosts if isinstance(play.hosts, str) else ",".join(map(str, play.hosts))
        self.play = {"play": play.get_name(), "play_uuid": str(play._uuid), "play_pattern": hosts}
        self.task = {}
        self.send("playbook_on_play_start", {"name": play.get_name(), "pattern": hosts}, str(play._uuid))

    def v2_playbook_on_no_hosts_matched(self):
        self.send("playbook_on_no_hosts_matched")

    def v2_playbook_on_no_hosts_remaining(self):
        self.send("playbook_on_no_hosts_remaining")

    def v2_playbook_on_notify(self, handler, host):
        self.send("playbook_on_notify", {"host": host.get_name(), "handler": handler.get_name()})

    def v2_playbook_on_include(self, included_file):
        self.send("playbook_on_include", {"included_file": str(included_file)})

    def v2_playbook_on_stats(self, stats):
        self.task = {}
        names = ("changed", "dark", "failures", "ignored", "ok", "processed", "rescued", "skipped")
        data = {name: dict(getattr(stats, name, {})) for name in names}
        data["artifact_data"] = stats.custom.get("_run", {})
        self.send("playbook_on_stats", data)

    # --- tasks --------------------------------------------------------------------------------------------------------

    def set_task(self, task):
        self.task = {"task": task.get_name(), "task_uuid": str(task._uuid), "task_action": task.action,
                     "resolved_action": getattr(task, "resolved_action", None) or task.action, "task_args": "",
                     "task_path": task.get_path() or ""}
        if task.no_log:
            self.task["task_args"] = HIDDEN
        if getattr(task, "_role", None):
            self.task["role"] = task._role.get_name()

    def start_task(self, task, is_handler):
        self.set_task(task)
        # When the task has run, its arguments no longer tell.
        if str((task.args or {}).get("cacheable", "")).lower() in ("true", "yes", "on", "1"):
            self.cacheable.add(str(task._uuid))
        name = "playbook_on_handler_task_start" if is_handler else "playbook_on_task_start"
        self.send(name, {"name": task.get_name(), "is_conditional": False, "uuid": str(task._uuid)}, str(task._uuid))

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.start_task(task, False)

    def v2_playbook_on_handler_task_start(self, task):
        self.start_task(task, True)

    def v2_playbook_on_cleanup_task_start(self, task):
        self.start_task(task, False)

    def v2_runner_on_start(self, host, task):
        self.started[host.get_name(), str(task._uuid)] = now()
        self.send("runner_on_start", {"host": host.get_name()})

    def send_result(self, name, result, **more):
        task = result._task
        self.set_task(task)
        host = result._host.get_name()
        data = {"host": host, "remote_addr": host, "res": result._result, **more}
        data["start"] = self.started.get((host, str(task._uuid)), "")
        data["end"] = now()
        data["duration"] = self.seconds_since(data["start"])
        data["event_loop"] = task.loop_with if task.loop_with or not task.loop else "loop"
        data["cacheable"] = str(task._uuid) in self.cacheable
        self.send(name, data)

    @staticmethod
    def seconds_since(start):
        if not start:
            return 0
        begun = datetime.datetime.fromisoformat(start)
        return (datetime.datetime.now(datetime.timezone.utc) - begun).total_seconds()

    def v2_runner_on_ok(self, result):
        self.send_result("runner_on_ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.send_result("runner_on_failed", result, ignore_errors=bool(ignore_errors))

    def v2_runner_on_unreachable(self, result):
        self.send_result("runner_on_unreachable", result)

    def v2_runner_on_skipped(self, result):
        self.send_result("runner_on_skipped", result)

    def v2_runner_retry(self, result):
        self.send_result("runner_retry", result)

    def v2_runner_item_on_ok(self, result):
        self.send_result("runner_item_on_ok", result)

    def v2_runner_item_on_failed(self, result):
        self.send_result("runner_item_on_failed", result)

    def v2_runner_item_on_skipped(self, result):
        self.send_result("runner_item_on_skipped", result)
