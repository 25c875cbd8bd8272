# test_summary.py - what many runs come to: counted over all seeds, the points that nobody passed too
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from checker_unknown import RESTART  # noqa: E402
from faults import POINTS  # noqa: E402
from summary import Summary  # noqa: E402


def report(**more):
    return {"calls": 10, "dials": 8, "events": 50, "webhooks": 40, "poison": 1, "takeovers": 3, "might be unknown": 4,
            "invited": 7, "came": 3, "removed": 2, "left": 1, "rang after unknown": 0,
            "outcomes": {"completed": 8, "unknown": 2},
            "unknown by cause": {"point saved": 1, "redis away": 1, RESTART: 3},
            "points": {"saved kill": 1, "taken stop": 1}, **more}


class TheSummary(unittest.TestCase):
    def lines(self, *runs):
        s = Summary(1)
        for seed, (one, violations) in enumerate(runs, 7):
            s.add(seed, one, violations)
        return s.text().splitlines()

    def test_all_is_summed_up(self):
        lines = self.lines((report(), []), (report(), []))
        self.assertRegex(lines[-5], r"^2 seeds on 1 Kafka node in 0.0 min: 20 calls \(2 left by their app\), "
                                    r"16 dials, 14 invited \(6 came\), 4 removed, .* 80 webhooks, .* 6 takeovers$")
        self.assertEqual(lines[-4], "unknown: 4 of 8 that stood between confirm and first word "
                                    "(worker killed 2, worker cut off 2), and 6 intents that lived through a restart "
                                    "of Redis; rang late 0")
        self.assertEqual(lines[-2:], ["violations: 0", "seeds that the harness could not run: none"])

    def test_points_are_listed_smallest_first(self):
        every = {f"{name} kill": 5 for name in POINTS}
        lines = self.lines((report(points=every), []), (report(), []))
        self.assertIn("each kill point hit 5 to 6 times", lines)
        self.assertTrue(lines[4].startswith("killed at points: ") and lines[4].endswith(", saved 6"), lines[4])
        self.assertIn("each kill point hit 0 to 1 times", self.lines((report(), [])))
        self.assertEqual(self.lines((report(), []))[4].count(" 0,"), len(POINTS) - 1)

    def test_seeds_with_violations_are_named(self):
        lines = self.lines((report(), [("order", "x"), ("order", "y"), ("dead", "z")]), (None, []), (report(), []))
        self.assertEqual(lines[-2:], ["violations: 3 (seed 7: order 2, dead 1)",
                                      "seeds that the harness could not run: 8"])

    def test_no_seed_at_all(self):
        self.assertIn("each kill point hit 0 to 0 times", self.lines())


if __name__ == "__main__":
    unittest.main(verbosity=2)
