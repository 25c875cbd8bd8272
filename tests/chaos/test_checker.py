# test_checker.py - the history checker objects to each broken rule, and to nothing in a good history
import copy
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import checker  # noqa: E402

CALL, PLAY, HANGUP = "A" * 32, "play-id", "hangup-id"
T = 1000.0  # s; when the create was accepted
URI = "http://127.0.0.1:9/cb"


def micro(seconds):
    return int((T + seconds) * 1e6)


def event(seq, number, kind, state, at, **more):
    return {"partition": 1, "offset": 10 + seq, "sha256": f"bytes of {seq}", "callLegId": CALL, "seq": seq,
            "number": number, "type": kind, "state": state, "final": False, "outcome": "none", "epoch": "2.aa",
            "callbackUri": URI, "answerBy": micro(0.05), "at": micro(at), "data": {}, "commandIds": [], "dials": [],
            "legs": [], **more}


def state_event(seq, number, state, at, **more):
    return event(seq, number, "CallLegStateChanged", state, at, data={"callState": state}, **more)


def post(number, at, kind, state=None, **more):
    return {"call": CALL, "number": number, "id": f"{CALL}-{number}", "endpoint": "/cb", "at": T + at, "status": 200,
            "type": kind, "state": state, "sha256": f"body of {number}", **more}


def request(kind, name, at, **more):
    return {"kind": kind, "request": name, "sent": T + at - 0.01, "received": T + at, "status": 202, "code": None,
            "call": CALL, "operation": None, "producer": 1, **more}


def command(kind, name, offset, at, **more):
    return {"partition": 1, "offset": offset, "sha256": name, "commandId": name, "callLegId": CALL, "kind": kind,
            "operationContext": None, "acceptedAt": micro(at), "answerBy": micro(at + 0.05), **more}


def good():
    """One call: made, rung, established, played to, hung up.  Its app asked twice for the create."""
    dial = {"dial": f"{CALL}.1.1", "leg": 1, "address": "+15550000100"}
    leg = {"leg": 1, "state": "ringing"}
    return {
        "requests": [
            request("create", "r1", 0.02, status=503, code="notAccepted", call=None, marker="chaos-1"),
            request("create", "r2", 0.02, status=200, marker="chaos-2"),
            request("create", "r2", 0.04, status=200, marker="chaos-2"),
            request("play", "r3", 0.52, operation=PLAY, marker="play-2.0"),
            request("hangup", "r4", 1.02),
            request("get", "r5", 1.1, status=200),
        ],
        "commands": [
            command("create", "create-id", 1, 0, subject="chaos-2"),
            command("create", "create-id", 2, 0.03, subject="chaos-2"),
            command("play", PLAY, 3, 0.5, operationContext="play-2.0"),
            command("hangup", HANGUP, 4, 1.0),
        ],
        "events": [
            state_event(1, 1, "establishing", 0.1, dials=[dial]),
            event(2, 0, "LegChanged", "establishing", 0.2, legs=[leg]),
            state_event(3, 2, "established", 0.4),
            event(4, 3, "PlayAudioResult", "established", 0.9, answerBy=micro(0.55)),
            state_event(5, 4, "terminating", 1.1, answerBy=micro(1.05)),
            state_event(6, 5, "terminated", 1.2, answerBy=micro(1.05), final=True, outcome="completed"),
            {**state_event(5, 4, "terminating", 1.1, answerBy=micro(1.05)), "offset": 17},
        ],
        "dials": [{"dial": dial["dial"], "number": dial["address"], "at": T + 0.15, "worker": "worker-1-1"}],
        "posts": [
            post(1, 0.2, "CallLegStateChanged", "establishing"),
            post(2, 0.45, "CallLegStateChanged", "established", status=500),
            post(2, 0.5, "CallLegStateChanged", "established"),
            post(3, 0.95, "PlayAudioResult"),
            post(4, 1.15, "CallLegStateChanged", "terminating"),
            post(4, 1.18, "CallLegStateChanged", "terminating"),
            post(5, 1.25, "CallLegStateChanged", "terminated"),
        ],
        "dead": [], "webhooksDead": [], "unsettled": [], "harnessFaults": [], "receiverFaults": [], "points": [],
        "exits": [{"name": "worker-1-1", "at": T + 9, "status": 0, "asked": "term"},
                  {"name": "worker-2-1", "at": T + 3, "status": -9, "asked": "kill"},
                  {"name": "worker-3-1", "at": T + 3, "status": -9, "asked": "point saved"}],
        "takeovers": [{"worker": "worker-1-1", "partition": 1, "epoch": "2.aa", "at": T - 1}],
        "interruptions": [],
        "metrics": {'worker callcast_step_late_seconds_bucket{le="0.1"}': 99,
                    'worker callcast_step_late_seconds_bucket{le="+Inf"}': 100},
    }


def lost():
    """The same call, whose worker was killed right after the dial: it ends as unknown."""
    h = good()
    h["requests"] = [r for r in h["requests"] if r["kind"] == "create"]
    h["commands"] = h["commands"][:2]
    h["events"] = [h["events"][0],
                   state_event(2, 2, "terminated", 4, epoch="3.bb", final=True, outcome="unknown")]
    h["posts"] = [h["posts"][0], post(2, 4.1, "CallLegStateChanged", "terminated")]
    h["takeovers"].append({"worker": "worker-2-1", "partition": 1, "epoch": "3.bb", "at": T + 2})
    h["interruptions"] = [{"worker": "worker-1-1", "kind": "kill", "from": T + 0.16, "to": T + 0.16}]
    return h


def handed():
    """Told by one owner, handed over as an intent, dialled by the next, which was killed."""
    h = lost()
    h["takeovers"] = [h["takeovers"][0],
                      {"worker": "worker-2-1", "partition": 1, "epoch": "3.bb", "at": T + 0.14},
                      {"worker": "worker-3-1", "partition": 1, "epoch": "4.cc", "at": T + 2}]
    h["dials"][0]["worker"] = "worker-2-1"
    h["events"][1]["epoch"] = "4.cc"
    h["interruptions"] = [{"worker": "worker-2-1", "kind": "kill", "from": T + 0.16, "to": T + 0.16}]
    return h


def stopped():
    """Its worker was stopped between its look at the clock and the packet: the phone rings after the end."""
    h = lost()
    h["interruptions"] = [{"worker": "worker-1-1", "kind": "SIGSTOP", "from": T + 0.14, "to": T + 5}]
    h["dials"][0]["at"] = T + 5
    return h


class Good(unittest.TestCase):
    def test_good_histories(self):
        for make in (good, lost, handed, stopped):
            with self.subTest(make.__name__):
                self.assertEqual(checker.check(make())[0], [])

    def test_what_is_counted(self):
        report = checker.check(good())[1]
        self.assertEqual((report["calls"], report["accepted"], report["dials"]), (1, 1, 1))
        self.assertEqual((report["webhooks"], report["webhooks again"], report["records told again"]), (5, 2, 1))
        self.assertEqual(report["late p99 s"], 0.1)
        self.assertEqual(checker.check(lost())[1]["unknown by cause"], {"kill": 1})
        self.assertEqual(checker.check(stopped())[1]["rang after unknown"], 1)

    def test_a_late_answer_is_counted_only(self):
        h = good()
        for r in h["requests"]:
            if r["kind"] == "create" and r["status"] == 200:
                r["received"] = T + 0.3  # the webhook came at 0.2, after answerBy
        violations, report = checker.check(h)
        self.assertEqual((violations, report["webhook before a late answer"]), ([], 1))

    def test_a_check_changes_nothing(self):
        h = good()
        before = copy.deepcopy(h)
        checker.check(h)
        self.assertEqual(h, before)


class Broken(unittest.TestCase):
    """Each test breaks one rule; the checker names it."""

    tested = set()

    def objects(self, name, history):
        self.tested.add(name)
        self.assertIn(name, checker.RULES)
        self.assertIn(name, {rule for rule, _ in checker.check(history)[0]})

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

    # ---- answers ----

    def test_an_answer_without_its_command(self):
        h = good()
        h["commands"] = h["commands"][2:]
        self.objects("answered-in-log", h)
        self.objects("answered-in-log", self.without("commands", 2))
        self.objects("answered-in-log", self.without("commands", 3))
        self.objects("answered-in-log", self.with_more("requests", request("hangup", "r9", 1.2)))

    def test_a_command_of_what_was_refused(self):
        self.objects("refused-not-in-log", self.changed("commands", 1, subject="chaos-1"))

    def test_one_request_two_calls(self):
        self.objects("same-request-same-answer", self.changed("requests", 2, call="B" * 32))
        self.objects("same-request-same-answer",
                     self.with_more("requests", request("play", "r3", 0.6, operation="another")))

    def test_an_accepted_call_is_not_known(self):
        self.objects("known-call", self.changed("requests", 5, status=404))

    # ---- events ----

    def test_no_final_event(self):
        self.objects("one-final", self.changed("events", 5, final=False))

    def test_two_final_events(self):
        self.objects("one-final", self.with_more(
            "events", {**state_event(7, 6, "terminated", 1.3, final=True, outcome="unknown"), "offset": 18}))

    def test_an_accepted_call_without_any_event(self):
        h = good()
        h["requests"].append(request("create", "r6", 0.02, status=200, call="C" * 32, marker="chaos-3"))
        h["commands"].append(command("create", "other-id", 5, 0, callLegId="C" * 32, subject="chaos-3"))
        self.objects("one-final", h)

    def test_an_event_after_the_final_one(self):
        self.objects("nothing-after-final",
                     self.with_more("events", {**event(7, 6, "DtmfReceived", "terminated", 1.3), "offset": 18}))

    def test_the_final_one_overtook_another(self):
        self.objects("nothing-after-final", self.changed("events", 5, offset=11.5))

    def test_a_gap(self):
        self.objects("gapless", self.without("events", 1))
        self.objects("gapless", self.changed("events", 3, number=0))
        self.objects("gapless", self.changed("events", 3, number=4))

    def test_the_wrong_order_on_the_topic(self):
        self.objects("gapless", self.changed("events", 2, offset=11.5))

    def test_other_bytes_for_one_seq(self):
        self.objects("same-bytes", self.changed("events", 6, sha256="others"))

    def test_other_bytes_for_one_webhook(self):
        self.objects("same-bytes", self.changed("posts", 5, sha256="others"))

    def test_a_record_that_nobody_can_read(self):
        self.objects("undecodable", self.changed("events", 1, undecodable="garbage"))

    # ---- dials ----

    def test_dialled_twice(self):
        again = {"dial": f"{CALL}.1.1", "number": "+15550000100", "at": T + 0.3, "worker": "worker-2-1"}
        self.objects("dialled-once", self.with_more("dials", again))
        self.objects("dialled-once", self.with_more("dials", {**again, "dial": f"{CALL}.1.2"}))

    def test_a_dial_that_nobody_announced(self):
        self.objects("dial-announced", self.changed("events", 0, dials=[]))
        self.objects("dial-announced", self.changed("dials", 0, number="+15550000999"))
        self.objects("dial-announced", self.changed("dials", 0, at=T + 0.05))

    def test_a_phone_that_rang_after_the_end(self):
        self.objects("no-dial-after-final", self.changed("dials", 0, at=T + 2))
        h = stopped()
        h["interruptions"][0]["kind"] = "kill"
        self.objects("no-dial-after-final", h)

    def test_an_answer_that_no_phone_gave(self):
        self.objects("dialled-where-needed", self.without("dials", 0))
        h = self.without("dials", 0)
        h["events"] = [h["events"][0], state_event(2, 2, "terminated", 1, final=True, outcome="busy")]
        self.objects("dialled-where-needed", h)

    # ---- unknown ----

    def test_unknown_without_a_takeover(self):
        self.objects("unknown-explained", self.changed("events", 1, make=lost, epoch="2.aa"))

    def test_unknown_though_nobody_was_hurt(self):
        h = lost()
        h["interruptions"][0]["worker"] = "worker-9-1"
        self.objects("unknown-explained", h)
        self.objects("unknown-explained", self.changed("interruptions", 0, make=lost, kind="term"))

    def test_unknown_though_the_phone_was_heard_of(self):
        h = lost()
        h["events"].insert(1, good()["events"][1])
        h["events"][2].update(seq=3, offset=13)
        self.objects("unknown-explained", h)

    def test_unknown_too_late(self):
        self.objects("unknown-explained", self.changed("events", 1, make=lost, at=micro(13)))

    # ---- webhooks ----

    def test_never_delivered(self):
        self.objects("delivered", self.without("posts", 3))
        self.objects("delivered", self.changed("posts", 3, status=500))
        self.objects("delivered", self.changed("posts", 3, endpoint="/elsewhere"))

    def test_a_webhook_of_no_event(self):
        self.objects("delivered-is-told",
                     self.with_more("posts", post(6, 1.3, "CallLegStateChanged", "terminated")))
        self.objects("delivered-is-told", self.changed("posts", 0, state="established"))

    def test_the_wrong_order_of_webhooks(self):
        self.objects("order", self.changed("posts", 3, at=T + 1.17))
        self.objects("order", self.changed("posts", 2, at=T + 0.97))

    def test_a_webhook_before_the_answer(self):
        h = self.changed("posts", 0, at=T + 0.015)
        self.objects("answer-first", h)

    # ---- the rest ----

    def test_dead_letters(self):
        self.objects("dead", self.with_more("dead", {"reason": "not decodable"}))
        self.objects("dead", self.with_more("webhooksDead", {"reason": "given up"}))

    def test_ends(self):
        self.objects("exit", self.changed("exits", 0, status=1))
        self.objects("exit", self.changed("exits", 1, asked=None, status=-6))

    def test_what_the_run_itself_says(self):
        self.objects("settled", self.with_more("unsettled", "partition 1: 1 live"))
        self.objects("harness", self.with_more("harnessFaults", "story 1: ValueError"))
        self.objects("harness", self.with_more("receiverFaults", "the signature does not fit"))

    @classmethod
    def tearDownClass(cls):
        missing = set(checker.RULES) - cls.tested
        if missing:
            raise AssertionError(f"rules that no test breaks: {sorted(missing)}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
