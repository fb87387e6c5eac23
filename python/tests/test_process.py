# SPDX-License-Identifier: Apache-2.0
"""The host as a process: its rights, its limits, its frames."""

from __future__ import annotations

import json
import os
import pwd
import socket
import struct
import sys
import unittest

from engine import Engine, HostIsGone, frames

ROOT = os.geteuid() == 0


def tell(expression: str, imports: str = "") -> str:
    """A source that puts the value of an expression."""
    return f"""
import ctypes, errno, os, resource, subprocess, sys, threading
{imports}

async def main(queue, args):
    await queue.put({{"value": {expression}}})
"""


class Rights(unittest.TestCase):
    def value_of(self, text: str, configure=None):
        with Engine(configure) as engine:
            channel = engine.start_source(text)
            kind, payload = engine.end_of(channel)
            self.assertEqual(kind, frames.ENDED, payload)
            return engine.events[channel][0]["value"]

    def test_hello_tells_who_it_is(self):
        with Engine() as engine:
            hello = engine.wait_for(frames.HELLO, 0)
            self.assertEqual(hello["protocol"], 1)
            self.assertEqual(hello["pid"], engine.process.pid)
            self.assertEqual(hello["python"].split(".")[0], str(sys.version_info[0]))

    def test_a_process_group_of_its_own(self):
        pid, group = self.value_of(tell("[os.getpid(), os.getpgrp()]"))
        self.assertEqual(pid, group)
        self.assertNotEqual(group, os.getpgrp())

    def test_no_inherited_descriptors(self):
        left, right = socket.socketpair()
        os.set_inheritable(right.fileno(), True)
        text = tell("sorted(targets)").replace(
            "async def main(queue, args):\n",
            "async def main(queue, args):\n"
            "    targets = set()\n"
            "    for name in os.listdir('/proc/self/fd'):\n"
            "        try: targets.add(os.readlink('/proc/self/fd/' + name))\n"
            "        except OSError: pass\n",
        )
        foreign = os.readlink(f"/proc/self/fd/{right.fileno()}")
        self.assertNotIn(foreign, self.value_of(text))
        left.close()
        right.close()

    def test_an_engine_that_dies_at_once_leaves_no_host_that_loads(self):
        with Engine() as engine:
            path = engine.write_file("import time\nwhile True: time.sleep(0.01)\n")
            engine.send(frames.LOAD, 1, {"file": path, "name": "x", "kind": "source"})
            engine.socket.close()
            self.assertEqual(engine.process.wait(10), 1)

    def test_children_do_not_hold_the_socket(self):
        with Engine() as engine:
            channel = engine.start_source(
                """
                import os, time

                async def main(queue, args):
                    if os.fork() == 0:
                        time.sleep(2)
                        os._exit(0)
                    await queue.put({})
                    os._exit(0)
                """
            )
            with self.assertRaises(HostIsGone):
                while True:
                    engine.receive(1.5)
            self.assertEqual(engine.events[channel], [{}])

    def test_limits(self):
        limits = {"memory": 500_000_000, "files": 64, "processes": 1000}
        names = ("DATA", "NOFILE", "NPROC", "CORE")
        text = tell(f"[resource.getrlimit(getattr(resource, 'RLIMIT_' + n))[0] for n in {names}]")
        self.assertEqual(self.value_of(text, {"limits": limits}), [500_000_000, 64, 1000, 0])

    def test_no_new_privileges(self):
        text = tell("[l.split()[1] for l in open('/proc/self/status') if l.startswith('NoNewPrivs')]")
        self.assertEqual(self.value_of(text), ["1"])

    @unittest.skipUnless(
        ROOT and os.path.exists("/usr/bin/python3"), "needs root, and an interpreter that others may run"
    )
    def test_another_user(self):
        user = pwd.getpwnam("nobody")
        with Engine({"user": "nobody"}, interpreter="/usr/bin/python3") as engine:
            os.chmod(engine.folder.name, 0o755)
            channel = engine.start_source(
                tell("[os.getuid(), os.getgid(), os.getgroups(), os.environ['HOME']]")
            )
            kind, payload = engine.end_of(channel)
            self.assertEqual(kind, frames.ENDED, payload)
            value = engine.events[channel][0]["value"]
            self.assertEqual(value, [user.pw_uid, user.pw_gid, [user.pw_gid], user.pw_dir])

    def test_a_user_that_does_not_exist_fails_the_host(self):
        with Engine({"user": "no-such-user"}) as engine:
            kind, channel, failure = engine.receive()
            self.assertEqual((kind, channel, failure["type"]), (frames.FAILED, 0, "KeyError"))
            self.assertEqual(engine.process.wait(5), 1)

    def test_a_protocol_that_is_not_spoken(self):
        with Engine({"protocol": 99}) as engine:
            self.assertEqual(engine.receive()[0], frames.FAILED)
            self.assertEqual(engine.process.wait(5), 1)


@unittest.skipUnless(os.uname().machine in ("x86_64", "aarch64"), "no numbers of system calls known")
class Seccomp(unittest.TestCase):
    def errors(self, calls: str, seccomp: bool):
        text = f"""
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)

def attempt(name, *arguments):
    ctypes.set_errno(0)
    getattr(libc, name)(*arguments)
    return errno.errorcode.get(ctypes.get_errno(), "ok")

async def main(queue, args):
    await queue.put({{"value": {calls}}})
"""
        with Engine({"seccomp": seccomp}) as engine:
            channel = engine.start_source(text)
            kind, payload = engine.end_of(channel)
            self.assertEqual(kind, frames.ENDED, payload)
            return engine.events[channel][0]["value"]

    def test_dangerous_calls_are_refused(self):
        calls = """[
            attempt("ptrace", 0, 0, 0, 0), attempt("mount", None, None, None, 0, None), attempt("umount2", b"/x", 0),
            attempt("unshare", 0x10000000), attempt("setns", -1, 0), attempt("reboot", 0), attempt("chroot", b"/"),
            attempt("process_vm_readv", os.getpid(), None, 0, None, 0, 0), attempt("swapon", b"/x", 0),
        ]"""
        self.assertEqual(self.errors(calls, True), ["EPERM"] * 9)
        self.assertNotIn("EPERM", self.errors('[attempt("ptrace", 0, 0, 0, 0)]', False))

    def test_threads_and_children_still_work(self):
        with Engine({"seccomp": True}) as engine:
            channel = engine.start_source(
                """
                import subprocess, threading

                async def main(queue, args):
                    thread = threading.Thread(target=lambda: None)
                    thread.start()
                    thread.join()
                    await queue.put({"said": subprocess.run(["echo", "hi"], capture_output=True).stdout})
                """
            )
            self.assertEqual(engine.end_of(channel)[0], frames.ENDED)
            self.assertEqual(engine.events[channel], [{"said": "hi\n"}])


class Frames(unittest.TestCase):
    def test_frames_come_in_pieces(self):
        reader = frames.FrameReader()
        stream = (
            frames.make_frame(1, 2, b"abc") + frames.make_frame(3, 4) + frames.make_frame(5, 6, b"x" * 99)
        )
        got = [frame for byte in stream for frame in reader.feed(bytes([byte]))]
        self.assertEqual(got, [(1, 2, b"abc"), (3, 4, b""), (5, 6, b"x" * 99)])

    def test_a_frame_that_is_too_long_ends_the_connection(self):
        with Engine() as engine:
            engine.wait_for(frames.HELLO, 0)
            engine.socket.sendall(struct.pack("<IBI", frames.LONGEST_PAYLOAD + 1, frames.CALL, 1))
            with self.assertRaises((HostIsGone, ConnectionResetError)):
                engine.receive()
            self.assertEqual(engine.process.wait(5), 0)

    def test_frames_that_cannot_be_read_are_logged(self):
        with Engine() as engine:
            engine.send(200, 0)
            engine.send(frames.CALL, 1, b"no json")
            engine.ping()
            self.assertEqual(len(engine.logs), 2, engine.logs)

    def test_an_engine_that_does_not_read_is_waited_for(self):
        with Engine() as engine:
            text = "async def main(queue, args):\n    for i in range(20000):\n        await queue.put({'i': i, 't': 'x' * 100})\n"
            channel = engine.start_source(text, credits=1 << 30)
            other = engine.start_source(text, credits=1 << 30)
            for _ in range(200):
                engine.send(frames.PING, 0)
            engine.end_of(channel)
            if len(engine.events[other]) < 20000:
                engine.end_of(other)
            for on in (channel, other):
                self.assertEqual([event["i"] for event in engine.events[on]], list(range(20000)))
                self.assertEqual(engine.numbers[on], list(range(1, 20001)))


class Folder(unittest.TestCase):
    def test_the_package_is_found_and_the_hosts_modules_shadow_nothing(self):
        with Engine() as engine:
            channel = engine.start_source(
                """
                import connection_test_absent as missing
                """
            )
            self.assertEqual(engine.end_of(channel)[1]["type"], "ModuleNotFoundError")
            channel = engine.start_source(
                """
                import sys
                try:
                    import frames, filters, tasks
                except ImportError:
                    found = False
                else:
                    found = True

                async def main(queue, args):
                    import millrace
                    await queue.put({"found": found, "path": sys.path[0], "name": millrace.__name__})
                """
            )
            engine.end_of(channel)
            event = engine.events[channel][0]
            self.assertFalse(event["found"])
            self.assertTrue(event["path"].endswith("/python"), json.dumps(event))


if __name__ == "__main__":
    unittest.main()
