# test_checker.py - the history checker objects to each broken rule, and to nothing in a good history
import copy
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import checker  # noqa: E402
from breaking import Breaking, run_all  # noqa: E402
from made_up import (CALL, PLAY, T, command, confirmed, event, good, half_heard, handed, letter, lost,  # noqa: E402
                     micro, poisoned, post, request, state_event, stopped, taken_again, through_restart)
from made_up_people import PEOPLE  # noqa: E402
from test_people import BrokenPeople, BrokenEnds  # noqa: E402,F401


class Good(unittest.TestCase):
    def test_good_histories(self):
        for make in (good, lost, handed, stopped, through_restart, confirmed, taken_again, half_heard, poisoned,
                     *PEOPLE):
            with self.subTest(make.__name__):
                self.assertEqual(checker.check(make())[0], [])

    def test_what_is_counted(self):
        report = checker.check(good())[1]
        self.assertEqual((report["calls"], report["accepted"], report["dials"]), (1, 1, 1))
        self.assertEqual((report["webhooks"], report["webhooks again"], report["records told again"]), (5, 2, 1))
        self.assertEqual(report["late p99 s"], 0.1)
        self.assertEqual(checker.check(lost())[1]["unknown by cause"], {"kill": 1})
        self.assertEqual(checker.check(stopped())[1]["rang after unknown"], 1)
        self.assertEqual(checker.check(poisoned())[1]["poison"], 2)

    def test_what_may_be_unknown_is_counted(self):
        for make, cause, might in ((lost, "kill", 1), (confirmed, "kill", 1), (half_heard, "kill", 1),
                                   (stopped, "SIGSTOP", 1), (through_restart, "intent through a Redis restart", 0)):
            with self.subTest(make.__name__):
                report = checker.check(make())[1]
                self.assertEqual((report["unknown by cause"], report["might be unknown"]), ({cause: 1}, might))

    def test_a_call_that_was_heard_of_before_is_none_of_them(self):
        h = good()
        h["interruptions"] = [{"worker": "worker-1-1", "kind": "kill", "from": T + at, "to": T + at}
                              for at in (0.05, 0.3)]
        self.assertEqual(checker.check(h)[1]["might be unknown"], 0)
        h["interruptions"][1].update({"from": T + 0.19, "to": T + 0.19})
        self.assertEqual(checker.check(h)[1]["might be unknown"], 1)

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


class Broken(Breaking):
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

    def test_a_prompt_with_no_result_or_with_two(self):
        self.objects("one-result", self.changed("events", 3, type="Snapshot", number=0,
                                                data={"command": "play", "commandId": PLAY}))
        self.objects("one-result", self.changed("events", 2, type="PlayAudioResult",
                                                data={"operationContext": "play-2.0"}))

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

    def test_when_it_was_told_counts(self):
        h = self.changed("dials", 0, at=T + 1.3)
        h["events"][5]["told"] = int((T + 1.35) * 1e3)
        self.assertNotIn("no-dial-after-final", self.broken(h))
        h["events"][5]["told"] = int((T + 1.25) * 1e3)
        self.objects("no-dial-after-final", h)
        self.objects("dial-announced", self.changed("events", 0, told=int((T + 0.16) * 1e3)))

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

        h = half_heard()
        h["events"].insert(2, event(3, 0, "LegChanged", "establishing", 0.159, legs=[{"leg": 2, "state": "ringing"}]))
        h["events"][3].update(seq=4, offset=14)
        self.objects("unknown-explained", h)

    def test_unknown_though_its_worker_never_forgot_it(self):
        h = lost()
        h["takeovers"][1].update({"worker": "worker-1-1", "from": "memory"})
        self.objects("unknown-explained", h)

    def test_unknown_long_after_a_restart_of_redis(self):
        h = through_restart()
        h["interruptions"] = h["interruptions"][1:]
        h["interruptions"][0].update({"from": T - 1, "to": T - 1})  # before there was an intent
        self.objects("unknown-explained", h)

    def test_unknown_by_what_came_after_the_takeover(self):
        h = taken_again()
        h["interruptions"][0].update({"from": T + 8, "to": T + 8})
        self.objects("unknown-explained", h)
        h["dials"] = []
        h["interruptions"][0].update({"worker": None, "kind": "redis restart"})
        self.objects("unknown-explained", h)

    def test_unknown_too_late(self):
        self.objects("unknown-in-time", self.changed("events", 1, make=lost, at=micro(12.1)))
        self.objects("unknown-in-time", self.changed("events", 1, make=taken_again, at=micro(12.1)))

    def test_in_time_counts_from_the_last_owner(self):
        h = taken_again()
        h["takeovers"][2].update({"worker": "worker-3-1", "from": "redis"})
        h["events"][1]["at"] = micro(18.9)
        h["posts"][1]["at"] = T + 19
        self.assertEqual(checker.check(h)[0], [])

    def test_more_unknown_than_stood_between_confirm_and_first_word(self):
        h = confirmed()  # announced, and not dialled by a worker that nobody hurt for 4 s
        h["interruptions"][0].update({"from": T + 4.2, "to": T + 4.2})
        h["takeovers"][1]["at"] = T + 5
        h["events"][1]["at"] = micro(7)
        h["posts"][1]["at"] = T + 7.1
        self.objects("unknown-bounded", h)
        h["interruptions"].append({"worker": "worker-1-1", "kind": "kafka stall", "from": T + 3, "to": T + 4})
        self.assertEqual(checker.check(h)[0], [])

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

    def test_poison_that_is_not_set_aside(self):
        h = poisoned()
        h["dead"] = h["dead"][2:]
        self.objects("dead", h)
        self.objects("dead", self.without("dead", 2, make=poisoned))
        self.objects("dead", self.changed("dead", 2, make=poisoned, reason=""))

    def test_others_than_poison_are_set_aside(self):
        self.objects("dead", self.with_more("dead", letter(4), make=poisoned))
        self.objects("dead", self.changed("dead", 0, make=poisoned, fromOffset=7))
        self.objects("dead", self.with_more("dead", letter(5, topic="calls.events"), make=poisoned))

    def test_poison_that_is_lost(self):
        self.objects("poison-in-log", self.changed("poison", 2, make=poisoned, acknowledged=True))

    def test_bytes_that_nobody_sent(self):
        self.objects("undecodable", self.without("poison", 0, make=poisoned))

    def test_a_create_that_can_not_be_carried_out_and_does_not_fail(self):
        self.objects("misfit-fails", self.changed("events", -1, make=poisoned, outcome="cancelled"))
        self.objects("misfit-fails", self.without("events", -1, make=poisoned))
        self.objects("delivered", self.without("posts", -1, make=poisoned))

    def test_ends(self):
        self.objects("exit", self.changed("exits", 0, status=1))
        self.objects("exit", self.changed("exits", 1, asked=None, status=-6))
        self.objects("exit", self.changed("exits", 0, status=-15, begun=True))
        self.assertEqual(checker.check(self.changed("exits", 0, status=-15, begun=False))[0], [])
        silent = self.changed("exits", 1, asked=None, status=1, silent=True)
        self.objects("exit", silent)
        silent["interruptions"].append({"worker": "worker-1-1", "kind": "broker restart",
                                        "from": silent["exits"][1]["at"] - 20, "to": silent["exits"][1]["at"]})
        self.assertEqual(checker.check(silent)[0], [])

    def test_what_the_run_itself_says(self):
        self.objects("settled", self.with_more("unsettled", "partition 1: 1 live"))
        self.objects("harness", self.with_more("harnessFaults", "story 1: ValueError"))
        self.objects("harness", self.with_more("receiverFaults", "the signature does not fit"))


if __name__ == "__main__":
    run_all()
