# test_checker.py - the checks of this folder find what they are there for
import types
import unittest

from load import PLANS, Call, Load
from receiver import faults_of_delivery
from sample_program import App, Dispatcher
from test_sample import faults_of_all


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


class Programs(unittest.TestCase):
    """Of one sample program, put through, whose call's posts are these."""

    def told(self, *without, more=()):
        def result(number, kind, context, status="completed", **data):
            return post(number, type=kind, operationContext=context, status=status, callLegId="c", **data)

        posts = [post(1, "establishing"), post(2, "established"), post(3, type="ParticipantsUpdated", participants=[1]),
                 post(4, type="DtmfReceived", toneInfo={"tone": "tone1"}), result(5, "PlayAudioResult", "p"),
                 result(6, "InviteParticipantResult", "i"), post(7, type="ParticipantsUpdated", participants=[1, 2]),
                 post(8, "terminating"), ended(9)]
        return [p for p in posts if p.number not in without] + list(more)

    def faults(self, posts, dials=(("c.1.1", "+1", "w"), ("c.2.1", "+2", "w")), fault=None, faulty=(), early=(), late=0):
        app = types.SimpleNamespace(hooks=types.SimpleNamespace(posts={"c": posts}, faults=list(faulty)), late_answers=late,
                                    dispatcher=types.SimpleNamespace(early=list(early)))
        app.words = lambda call: App.words(app, call)
        report = types.SimpleNamespace(call="c", number="+1", invited="+2", fault=fault, way="put through",
                                       done=["established", "hang up", "terminated"],
                                       contexts={"PlayAudioResult": ["p"], "InviteParticipantResult": ["i"]})
        stack = types.SimpleNamespace(dials=lambda: list(dials))
        return "; ".join(faults_of_all(stack, app, [report]))

    def test_what_is_fine(self):
        self.assertEqual(self.faults(self.told()), "")
        self.assertEqual(self.faults(self.told(), early=["establishing"], late=1), "")
        # its program never heard of it, and the late answer was counted
        state = ("CallLegStateChanged", "c")
        self.assertEqual(self.faults(self.told(), fault="did not end", early=[state], late=1), "")

    def test_what_is_not(self):
        one, two = ("c.1.1", "+1", "w"), ("c.2.1", "+2", "w")
        for word, faults in (
            ("did not end", self.faults(self.told(), fault="did not end")),
            ("came before the answer", self.faults(self.told(), fault="did not end", late=0,
                                                   early=[("CallLegStateChanged", "c")])),
            ("no final event", self.faults(self.told(9))),
            ("PlayAudioResult came 0 times", self.faults(self.told(5))),
            ("InviteParticipantResult came 0 times", self.faults(self.told(6))),
            ("put through: establishing established", self.faults(self.told(7))),
            ("never asked", self.faults(self.told(more=[post(10, type="PlayAudioResult", operationContext="x",
                                                              status="failed")]))),
            ("ended as busy", self.faults(self.told(9) + [ended(9, "busy")])),
            ("dialled 2 times", self.faults(self.told(), [one, two, ("c.1.2", "+1", "w")])),
            ("invited 1 times, dialled 2", self.faults(self.told(), [one, two, ("c.3.1", "+2", "w")])),
            ("c.1.1 was dialled 2 times", self.faults(self.told(), [one, one, two])),
            ("came before the answer", self.faults(self.told(), early=["established"])),
            ("not signed", self.faults(self.told(), faulty=["not signed"])),
        ):
            with self.subTest(word):
                self.assertIn(word, faults)

    def test_the_dispatcher_keeps_nothing(self):
        heard, dispatcher = [], Dispatcher()
        first = post(1, "establishing")
        first.call = "c"
        dispatcher.take(first)
        self.assertEqual(dispatcher.early, [])
        dispatcher.subscribe("CallLegStateChanged", "c", heard.append)
        self.assertEqual((heard, dispatcher.early), ([], [("CallLegStateChanged", "c")]))
        dispatcher.take(first)
        dispatcher.unsubscribe("CallLegStateChanged", "c")
        dispatcher.take(first)
        self.assertEqual(heard, [first.data])
