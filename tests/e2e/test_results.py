# test_results.py - every way in which a call, a prompt, an invite or a request can end that simulated phones can make
import signal
import time
import unittest

from caller import Caller
from client import phone
from harness import QUICK, Stack, wait_until

RING = 5  # s
SETTINGS = {**QUICK, "CALLCAST_SIM_TALK": "500ms", "CALLCAST_RING_TIMEOUT": f"{RING}s", "CALLCAST_CALL_MAX": "20s"}
stack = app = None

CALLS = (  # who is called, what the app does, when; how that ends
    (0, "hang_up", "established", "completed", 0, 560000),
    (0, "delete", "established", "completed", 0, 560000),
    (0, "remove", "established", "completed", 0, 560000),
    (10, None, None, "completed", 0, 560000),
    (30, None, None, "completed", 0, 560000),
    (20, None, None, "busy", 486, 560486),
    (21, None, None, "noAnswer", 480, 560480),
    (22, None, None, "declined", 603, 560603),
    (23, None, None, "noSuchNumber", 404, 560404),
    (24, None, None, "network", 503, 560503),
    (25, None, None, "unreachable", 408, 560408),
    (21, "hang_up", "establishing", "cancelled", 487, 560487),
    (21, "delete", "establishing", "cancelled", 487, 560487),
    (21, "remove", "establishing", "cancelled", 487, 560487),
)
INVITES = (  # who is invited, what the app does while his phone rings; his result
    (0, None, "completed", 200, 0),
    (10, None, "completed", 200, 0),
    (30, None, "completed", 200, 0),
    (20, None, "failed", 486, 560486),
    (21, None, "failed", 480, 560480),
    (22, None, "failed", 603, 560603),
    (23, None, "failed", 404, 560404),
    (24, None, "failed", 503, 560503),
    (25, None, "failed", 408, 560408),
    (21, "remove", "failed", 487, 560487),
    (21, "hang_up", "failed", 487, 560487),
    (21, "delete", "failed", 487, 560487),
    ("again", None, "failed", 409, 8519),
)
PLAYS = (  # what is played, what the app does then; its result
    ("good.wav", None, "completed", 200, 0),
    ("missing.wav", None, "failed", 400, 8536),
    ("bad.wav", None, "failed", 400, 8535),
    ("good.wav", "cancel", "completed", 400, 8508),
    ("good.wav", "hang_up", "failed", 400, 8528),
    ("good.wav", "delete", "failed", 400, 8528),
)
REFUSED = (  # what is asked; the answers while the phone rings, after the call's end
    ("play", (400, "8501"), (400, "8528")),
    ("cancel", (400, "8501"), (400, "8528")),
    ("invite", (400, "8501"), (400, "8528")),
    ("remove nobody", (404, "8522"), (400, "8528")),
    ("hang_up", None, (400, "8528")),
)


def setUpModule():
    global stack, app
    stack = Stack("results", **SETTINGS)
    unittest.addModuleCleanup(stack.down)
    stack.up()
    app = Caller(stack, "566")


class Tables(unittest.TestCase):
    def do(self, what, call, number):
        """As an app would; 202."""
        if what == "remove":
            answer = app.remove(call, app.participant_of(call, number))
        else:
            answer = getattr(app, what)(call)
        self.assertEqual(answer.status, 202, answer.body)

    def test_calls(self):
        made = []
        for script, what, when, *result in CALLS:
            number = app.number(script)
            call = app.create(number)
            if what:
                self.assertTrue(app.hooks.wait_state(call, when))
                self.do(what, call, number)
            made.append((call, f"{script} {what}", tuple(result)))
        for call, name, result in made:
            with self.subTest(name):
                self.assertEqual(app.end(call), result)
                self.assertEqual(app.faults(call), [])
                seen = app.client.get(f"/calls/{call}").json
                self.assertEqual((seen["callState"], seen["outcome"], seen["resultInfo"]["code"],
                                  seen["resultInfo"]["subcode"]), ("terminated", *result))

    def test_invites(self):
        made = []
        for i, (script, what, *result) in enumerate(INVITES):
            call, first = app.established(0)
            number = first if script == "again" else app.number(script)
            self.assertEqual(app.invite(call, number, operationContext=f"i{i}").status, 202)
            if what:
                self.assertTrue(wait_until(lambda n=number: stack.dials_of(n), 5))
                self.do(what, call, number)
            made.append((call, f"{script} {what}", f"i{i}", number, tuple(result)))
        for call, name, context, number, result in made:
            with self.subTest(name):
                self.assertEqual(app.result(call, "InviteParticipantResult", context), result)
                self.assertEqual(len(stack.dials_of(number)), 1)
                app.delete(call)
                self.assertEqual(app.end(call), ("completed", 0, 560000))
                self.assertEqual(app.faults(call), [])

    def test_plays(self):
        for i, (name, what, *result) in enumerate(PLAYS):
            with self.subTest(f"{name} {what}"):
                call, number = app.established(0)
                answer = app.play(call, f"https://media.example/{name}", operationContext=f"p{i}", loop=what is not None)
                self.assertEqual((answer.status, answer.json["status"]), (202, "running"))
                if what:
                    self.do(what, call, number)
                self.assertEqual(app.result(call, "PlayAudioResult", f"p{i}"), tuple(result))
                app.delete(call)
                self.assertTrue(app.end(call))
                self.assertEqual(app.faults(call), [])

    def ask(self, what, call):
        if what == "invite":
            return app.invite(call, app.number(0))
        if what == "remove nobody":
            return app.remove(call, "6a6a6a6a-6a6a-4a6a-8a6a-6a6a6a6a6a6a")
        return getattr(app, what)(call)

    def test_refused_before_and_after(self):
        rings, over = app.create(app.number(21)), app.create(app.number(23))
        self.assertTrue(app.hooks.wait_state(rings, "establishing"))
        self.assertTrue(app.hooks.wait_end(over))
        for what, before, after in REFUSED:
            for call, wanted in ((rings, before), (over, after)):
                with self.subTest(f"{what} {wanted}"):
                    if wanted:
                        answer = self.ask(what, call)
                        self.assertEqual((answer.status, answer.json["code"]), wanted)
        app.delete(rings)
        self.assertEqual(app.end(rings), ("cancelled", 487, 560487))
        self.assertEqual(app.hooks.story(rings), ["establishing", "terminating", "terminated"])


class Bounds(unittest.TestCase):
    def ended(self, call):
        app.delete(call)
        self.assertTrue(app.end(call))
        self.assertEqual(app.faults(call), [])

    def test_too_many_operations(self):
        call, _ = app.established(0)
        for i in range(16):
            self.assertEqual(app.play(call, loop=True, operationContext=f"p{i}").status, 202)
        self.assertEqual(app.play(call, operationContext="one more").status, 202)
        self.assertEqual(app.result(call, "PlayAudioResult", "one more"), ("failed", 413, 8523))
        guest = app.number(0)
        app.invite(call, guest, operationContext="a guest")
        self.assertEqual(app.result(call, "InviteParticipantResult", "a guest"), ("failed", 413, 8523))
        self.assertEqual(stack.dials_of(guest), [])
        app.cancel(call)
        for i in range(16):
            self.assertEqual(app.result(call, "PlayAudioResult", f"p{i}"), ("completed", 400, 8508))
        app.invite(call, guest, operationContext="again")
        self.assertEqual(app.result(call, "InviteParticipantResult", "again"), ("completed", 200, 0))
        self.ended(call)

    def test_too_much_context(self):
        call, _ = app.established(0)
        for i in range(3):
            app.play(call, loop=True, operationContext=f"{i}" + "x" * 4999)
        guest, context = app.number(0), "y" * 2000
        app.invite(call, guest, operationContext=context)
        self.assertEqual(app.result(call, "InviteParticipantResult", context), ("failed", 413, 8523))
        app.play(call, operationContext=context)
        self.assertEqual(app.result(call, "PlayAudioResult", context), ("failed", 413, 8523))
        app.invite(call, guest, operationContext="z" * 1000)
        self.assertEqual(app.result(call, "InviteParticipantResult", "z" * 1000), ("completed", 200, 0))
        self.ended(call)

    def test_too_many_participants(self):
        """64 in a call's life: 1 called, 50 and 13 invited."""
        call, _ = app.established(0, events=())
        for i, n in enumerate((50, 13)):
            self.assertEqual(app.invite(call, [app.number(23) for _ in range(n)], operationContext=f"i{i}").status, 202)
        self.assertTrue(app.hooks.wait(lambda: self.failed(call) == 63, 15), self.failed(call))
        guest = app.number(0)
        app.invite(call, guest, operationContext="one more")
        self.assertEqual(app.result(call, "InviteParticipantResult", "one more"), ("failed", 413, 8523))
        self.assertEqual(stack.dials_of(guest), [])
        self.ended(call)

    @staticmethod
    def failed(call):
        return sum(p.type == "InviteParticipantResult" and p.data["resultInfo"]["code"] == 404 for p in app.hooks.of(call))

    def test_a_create_that_no_record_can_hold(self):
        targets = [{"rawId": f"sip:{i:02d}-" + "x" * 249} for i in range(50)]
        body = {"targets": targets, "callbackUri": app.hooks.uri("/" + "c" * 1900), "operationContext": "o" * 5000,
                "subject": "s" * 1000}
        call = app.client.post("/calls", body).json["callLegId"]
        self.assertTrue(app.hooks.wait_end(call))
        self.assertEqual(app.end(call), ("failed", 500, 0))
        self.assertEqual(app.hooks.story(call), ["terminated"])
        self.assertFalse([d for d in stack.dials() if d[1].startswith("sip:")])


class Looks(unittest.TestCase):
    """What the producer could not see, because Redis was slow, the worker tells as a result."""

    def slowly(self, ask):
        """Redis stands still for less than redis.timeout."""
        stack.send_signal("redis", signal.SIGSTOP)
        try:
            answer = ask()
        finally:
            stack.send_signal("redis", signal.SIGCONT)
        self.assertEqual(answer.status, 202, answer.body)

    def test_not_established(self):
        call = app.create(app.number(21))
        self.assertTrue(app.hooks.wait_state(call, "establishing"))
        guest = app.number(0)
        self.slowly(lambda: app.play(call, operationContext="p"))
        self.assertEqual(app.result(call, "PlayAudioResult", "p"), ("failed", 400, 8501))
        self.slowly(lambda: app.invite(call, guest, operationContext="i"))
        self.assertEqual(app.result(call, "InviteParticipantResult", "i"), ("failed", 400, 8501))
        self.slowly(lambda: app.cancel(call))
        self.slowly(lambda: app.remove(call, "6a6a6a6a-6a6a-4a6a-8a6a-6a6a6a6a6a6a"))
        self.slowly(lambda: app.hang_up(call))
        self.assertEqual(app.end(call), ("cancelled", 487, 560487))
        self.assertEqual(app.hooks.story(call), ["establishing", "play:failed", "invite:failed", "terminating", "terminated"])
        self.assertEqual(stack.dials_of(guest), [])

    def test_nothing_is_told_after_the_end(self):
        call = app.create(app.number(23))
        self.assertTrue(app.hooks.wait_end(call))
        for ask in (lambda: app.play(call), lambda: app.invite(call, app.number(0)), lambda: app.hang_up(call)):
            self.slowly(ask)
        time.sleep(0.5)
        self.assertEqual(app.hooks.story(call), ["establishing", "terminated"])


class Late(unittest.TestCase):
    """A stack of its own: commands that a worker finds too late, calls that last too long, a worker that dies."""

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack("late", **{**QUICK, "WORKERS": "1", "CALLCAST_COMMAND_TTL": "1s", "CALLCAST_CALL_MAX": "3s",
                                     "CALLCAST_RING_TIMEOUT": "30s", "CALLCAST_GROUP_SESSION": "4s"})
        cls.addClassCleanup(cls.stack.down)
        cls.stack.up()
        cls.app = Caller(cls.stack, "567")

    def late(self, ask):
        """The worker stands still for longer than command.ttl, and less long than its group waits."""
        self.stack.send_signal("worker-1", signal.SIGSTOP)
        try:
            answer = ask()
            time.sleep(1.3)
        finally:
            self.stack.send_signal("worker-1", signal.SIGCONT)
        return answer

    def log_since_start(self):
        return self.stack.log("worker-1").rsplit("worker.started", 1)[1]

    def test_1_a_create_and_an_invite_expire(self):
        number = self.app.number(0)
        call = self.late(lambda: self.app.create(number))
        self.assertEqual(self.app.end(call), ("expired", 410, 8542))
        self.assertEqual(self.app.hooks.story(call), ["terminated"])
        call, _ = self.app.established(0)
        guest = self.app.number(0)
        self.late(lambda: self.app.invite(call, guest, operationContext="i"))
        self.assertEqual(self.app.result(call, "InviteParticipantResult", "i"), ("failed", 410, 8542))
        self.assertEqual(self.stack.dials_of(number) + self.stack.dials_of(guest), [])
        self.app.delete(call)
        self.assertTrue(self.app.end(call))

    def test_2_call_max(self):
        rings, talks, many = self.app.create(self.app.number(21)), self.app.create(self.app.number(0)), None
        self.assertTrue(self.app.hooks.wait_state(talks, "established"))
        many, _ = self.app.established(0)
        self.app.invite(many, [self.app.number(0), self.app.number(21)], operationContext="m")
        self.assertEqual(self.app.end(rings), ("noAnswer", 480, 560480))
        self.assertEqual(self.app.end(talks), ("completed", 0, 560000))
        self.assertEqual(self.app.end(many), ("completed", 0, 560000))
        words = self.app.hooks.story(many)
        self.assertEqual((words.count("invite:completed"), words.count("invite:failed")), (1, 1))
        for call in (rings, talks, many):
            self.assertEqual(self.app.faults(call), [])

    def test_3_unknown(self):
        """Dialled, nothing came back, and who dialled is gone."""
        self.stack.settings["CALLCAST_CALL_MAX"] = "60s"
        self.stack.restart("worker-1")
        self.assertTrue(wait_until(lambda: "group.assigned" in self.log_since_start(), 30, 0.2))
        alone, guest = self.app.number(25), self.app.number(25)
        call, _ = self.app.established(0)
        silent = self.app.create(alone)
        self.app.invite(call, guest, operationContext="i")
        self.assertTrue(wait_until(lambda: self.stack.dials_of(alone) and self.stack.dials_of(guest), 5))
        self.stack.restart("worker-1")
        self.assertEqual(self.app.end(silent, 30), ("unknown", 500, 8500))
        self.assertEqual(self.app.result(call, "InviteParticipantResult", "i"), ("failed", 500, 8500))
        self.app.delete(call)
        self.assertEqual(self.app.end(call), ("completed", 0, 560000))
        self.assertEqual((len(self.stack.dials_of(alone)), len(self.stack.dials_of(guest))), (1, 1))
        for one in (call, silent):
            self.assertEqual(self.app.faults(one), [])
