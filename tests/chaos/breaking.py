# breaking.py - what the tests of the checker have in common: a good history is changed, and the checker names the rule
import sys
import unittest

import checker
from made_up import good


class Breaking(unittest.TestCase):
    """Each test breaks one rule; the checker names it."""

    tested = set()  # rules, by all tests

    def objects(self, name, history):
        self.tested.add(name)
        self.assertIn(name, checker.RULES)
        self.assertIn(name, self.broken(history))

    def broken(self, history):
        return {rule for rule, _ in checker.check(history)[0]}

    def keeps_all(self, history):
        self.assertEqual(checker.check(history)[0], [])

    def without(self, key, i, make=good):
        h = make()
        del h[key][i]
        return h

    def changed(self, key, i, make=good, **change):
        h = make()
        h[key][i].update(change)
        return h

    def with_more(self, key, *more, make=good):
        h = make()
        h[key] += more
        return h


def run_all():
    """As unittest.main(); then each rule must have been broken by some test."""
    done = unittest.main(verbosity=2, exit=False)
    missing = set(checker.RULES) - Breaking.tested
    if missing and not sys.argv[1:]:
        print(f"rules that no test breaks: {sorted(missing)}", file=sys.stderr)
    sys.exit(not done.result.wasSuccessful() or (bool(missing) and not sys.argv[1:]))
