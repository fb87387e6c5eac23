#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The source journald with journals that systemd's own program writes while it reads."""
import unittest

from engine import Engine, noting
from peers.journal import BOOT, Journal


class Journald(unittest.TestCase):
    def setUp(self):
        self.journal = Journal()
        self.addCleanup(self.journal.close)

    def follow(self, path, match="ALL", **settings):
        return Engine(self, noting({"ansible.eda.journald": {"path": str(path), "match": match, **settings}}))

    def messages(self, engine, count):
        return [event["journald"]["message"] for event in engine.wait_for_lines(count)]

    def test_a_file_that_grows(self):
        self.journal.append({"MESSAGE": "old"}, {"MESSAGE": "last"})
        engine = self.follow(self.journal.file)
        self.assertEqual(self.messages(engine, 1), ["last"])
        for i in range(3):
            self.journal.append({"MESSAGE": f"new {i}"})
        self.assertEqual(self.messages(engine, 4), ["last", "new 0", "new 1", "new 2"])
        self.assertLess(engine.stop(), 2)

    def test_a_directory_with_new_files(self):
        self.journal.append({"MESSAGE": "first"})
        engine = self.follow(self.journal.folder)
        self.messages(engine, 1)
        self.journal.append({"MESSAGE": "second"}, file="two.journal")
        self.journal.append({"MESSAGE": "third"})
        self.assertEqual(self.messages(engine, 3), ["first", "second", "third"])

    def test_a_directory_that_is_empty_at_first(self):
        engine = self.follow(self.journal.folder)
        self.journal.append({"MESSAGE": "first"})
        self.messages(engine, 1)
        self.journal.append({"MESSAGE": "second"})
        self.assertEqual(self.messages(engine, 2), ["first", "second"])

    def test_only_what_matches(self):
        self.journal.append({"MESSAGE": "a", "TAG": "x"}, {"MESSAGE": "b", "TAG": "y"})
        engine = self.follow(self.journal.file, match="TAG=x")
        self.messages(engine, 1)
        self.journal.append({"MESSAGE": "c", "TAG": "y"}, {"MESSAGE": "d", "TAG": "x"})
        self.assertEqual(self.messages(engine, 2), ["a", "d"])

    def test_the_form_of_the_event(self):
        self.journal.append({"MESSAGE": b"a\xff", "TAG": ["one", "two"], "_PID": 42, "TEXT": "two\nlines",
                             "_SOURCE_REALTIME_TIMESTAMP": 1_700_000_000_500_000, "MESSAGE_ID": "f" * 32})
        entry = self.follow(self.journal.file).wait_for_lines(1)[0]["journald"]
        self.assertEqual(entry["message"], r"b'a\xff'")
        self.assertIn(entry["tag"], ("['one', 'two']", "['two', 'one']"))
        self.assertEqual(entry["text"], "two\nlines")
        self.assertEqual(entry["_pid"], "42")
        self.assertEqual(entry["message_id"], "ffffffff-ffff-ffff-ffff-ffffffffffff")
        self.assertEqual(entry["_source_realtime_timestamp"], "2023-11-14 22:13:20.500000+00:00")
        self.assertEqual(entry["__realtime_timestamp"], "2023-11-14 22:13:21+00:00")
        boot = "-".join((BOOT[:8], BOOT[8:12], BOOT[12:16], BOOT[16:20], BOOT[20:]))
        self.assertEqual(entry["_boot_id"], boot)
        self.assertEqual(entry["__monotonic_timestamp"],
                         f"journal.Monotonic(timestamp=datetime.timedelta(seconds=1), bootid=UUID('{boot}'))")
        self.assertTrue(entry["__cursor"].startswith("s="))

    def test_without_a_match_it_ends(self):
        engine = Engine(self, noting({"journald": {"path": str(self.journal.file)}}))
        self.assertEqual(engine.wait(), 0)

    def test_what_is_no_match(self):
        self.journal.append({"MESSAGE": "a"})
        engine = self.follow(self.journal.file, match="nonsense")
        self.assertEqual(engine.wait(), 1)
        self.assertIn("Invalid match", engine.log())


if __name__ == "__main__":
    unittest.main()
