# run.py - runs the tests of this folder and ends with `N passed, N failed`; see run.sh
import os
import sys
import time
import unittest

import harness


class Result(unittest.TextTestResult):
    """Also counts what passed, and says how long each took."""

    passed = 0

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        self.passed += 1
        super().addSuccess(test)

    def stopTest(self, test):
        self.stream.write(f"      {time.monotonic() - self.began:6.1f} s\n")
        super().stopTest(test)


def main():
    names = sys.argv[1:] or ["test_*.py"]
    here = os.path.dirname(os.path.abspath(__file__))
    suite = unittest.TestSuite()
    for name in names:
        if "*" in name:
            suite.addTests(unittest.defaultTestLoader.discover(here, name))
        else:
            suite.addTests(unittest.defaultTestLoader.loadTestsFromName(name))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    for test, why in result.skipped:
        print(f"skipped: {test}: {why}")
    if not result.passed and not failed:
        print("no test ran")
        failed = 1
    print(f"broker: {harness.BROKER}; logs: {harness.RUNS}")
    print(f"{result.passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
