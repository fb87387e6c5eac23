#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each rule fires as often as jq, which knows nothing of rules, counts."""
import filecmp
import json
import shutil
import subprocess
import tempfile
import unittest

from program import ROOT, run, shared_data

FORGE = ROOT / "tests/data/forge-events.jsonl"


def expected_firings(case, events):
    if shutil.which("jq") is None:
        raise unittest.SkipTest("jq is not installed")
    counted = subprocess.run(["jq", "-n", "-f", ROOT / "tests/e2e" / case / "expected.jq", events],
                             capture_output=True, text=True, check=True)
    return json.loads(counted.stdout)


class Firings(unittest.TestCase):
    maxDiff = None

    def check(self, case, events, rulebook, variables, least_rules):
        expected = expected_firings(case, events)
        self.assertGreaterEqual(sum(1 for count in expected.values() if count), least_rules, "too little to compare")
        _, stats = run(rulebook, variables)
        with open(events, encoding="utf-8") as lines:
            self.assertEqual(stats["events"], sum(1 for line in lines if line.strip()))
        (fired,) = stats["rules"].values()
        self.assertEqual({rule: count for rule, count in fired.items() if count},
                         {rule: count for rule, count in expected.items() if count})
        self.assertEqual(stats["actions"]["failed"], 0)

    def test_forge_events(self):
        self.check("forge", FORGE, "tests/e2e/forge/rulebook.yml", {"events": str(FORGE)}, least_rules=20)

    def test_recorded_forge_events(self):
        events = shared_data("github-webhooks/events.jsonl")
        self.check("forge", events, "tests/e2e/forge/rulebook.yml", {"events": str(events)}, least_rules=12)

    def test_deployments_example(self):
        self.check("deployments", ROOT / "examples/deployments/events.jsonl", "examples/deployments/rulebook.yml",
                   "examples/deployments/vars.yml", least_rules=10)


class ForgeEvents(unittest.TestCase):
    def test_are_what_the_generator_writes(self):
        with tempfile.NamedTemporaryFile() as made:
            subprocess.run([ROOT / "scripts/make-forge-events", made.name], check=True)
            self.assertTrue(filecmp.cmp(made.name, FORGE, shallow=False), "run scripts/make-forge-events")


if __name__ == "__main__":
    unittest.main()
