# test_checker.py - the checks of this folder find what they are there for
import types
import unittest

from load import PLANS, Call, Load
from receiver import faults_of_delivery


def post(number, state=None, body=None, **data):
    """As receiver.Post, with what the checks look at."""
    kind = "CallLegStateChanged" if state else data.pop("type", "PlayAudioResult")
    if state:
        data["callState"] = state
    return types.SimpleNamespace(number=number, id=f"call-{number}", body=body or f"body {number}", data=data,
                                 type=kind, status=200)


def ended(number, outcome="completed"):
    return post(number, "terminated", outcome=outcome)


class Delivery(unittest.TestCase):
    def test_what_is_fine(self):
        first = post(1, "establishing")
        self.assertEqual(faults_of_delivery([first, ended(2)]), [])
        self.assertEqual(faults_of_delivery([first, first, ended(2), first, ended(2)]), [])

    def test_what_is_not(self):
        first = post(1, "establishing")
        for posts, word in (
            ([], "no final event"),
            ([first], "no final event"),
            ([post(2, "establishing"), ended(3)], "number 2 after 0"),
            ([first, ended(3)], "number 3 after 1"),
            ([first, post(2), ended(4), post(3)], "number 4 after 2"),
            ([first, post(1, "establishing", "other bytes"), ended(2)], "two bodies"),
            ([first, ended(2), post(3)], "after the final event"),
            ([first, ended(2), ended(3)], "two final events"),
        ):
            with self.subTest(word):
                self.assertIn(word, "; ".join(faults_of_delivery(posts)))


class Loads(unittest.TestCase):
    def faults(self, plan, dials, *posts):
        """Of a load of one call, with that ledger."""
        call = Call(0, "+1", next(p for p in PLANS if p.name == plan))
        call.id = "call"
        hooks = types.SimpleNamespace(faults=[], of=lambda _: list(posts))
        load = types.SimpleNamespace(calls=[call], hooks=hooks)
        load.faults_of = lambda *a: Load.faults_of(load, *a)
        return "; ".join(Load.faults(load, dials))

    def test_what_is_fine(self):
        first, dial = post(1, "establishing"), ("call.1.1", "+1", "w")
        self.assertEqual(self.faults("talk", [dial], first, ended(2)), "")
        self.assertEqual(self.faults("talk", [dial], first, ended(2, "unknown")), "")
        self.assertEqual(self.faults("talk", [], first, ended(2, "unknown")), "")
        self.assertEqual(self.faults("ringing", [], first, ended(2, "cancelled")), "")

    def test_what_is_not(self):
        first, dial = post(1, "establishing"), ("call.1.1", "+1", "w")
        tone = {"type": "DtmfReceived"}
        for plan, dials, posts, word in (
            ("talk", [dial, dial], [first, ended(2)], "dialled 2 times"),
            ("talk", [dial, ("call.1.2", "+1", "w")], [first, ended(2)], "number was dialled 2 times"),
            ("talk", [], [first, ended(2)], "was not dialled"),
            ("busy", [dial], [first, ended(2)], "ended as completed"),
            ("prompt", [dial], [first, post(2, **tone), post(3, **tone), ended(4)], "2 tones"),
            ("prompt", [dial], [first, post(2), post(3), ended(4)], "more than one result"),
            ("talk", [dial], [first], "no final event"),
        ):
            with self.subTest(word):
                self.assertIn(word, self.faults(plan, dials, *posts))
