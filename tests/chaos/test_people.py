# test_people.py - the rules about participants and about calls that are left: part of test_checker.py
from breaking import Breaking
from made_up import CALL, T, URI, dial_of, micro, request
from made_up_people import (BUSY, FIRST, GUEST, OWN, SLOW, deleted, gone_meanwhile, guest_lost, guest_stopped,
                            invite_result, left, leg_event, people, ring, several, together)


class BrokenPeople(Breaking):
    def event_changed(self, seq, make=together, **change):
        return self.changed("events", seq - 1, make, **change)

    def result_changed(self, seq, code, subcode, status="failed", make=together):
        h = make()
        h["events"][seq - 1]["data"].update(status=status, resultInfo={"code": code, "subcode": subcode})
        return h

    # ---- answers ----

    def test_an_invite_or_a_remove_that_is_not_in_the_log(self):
        self.objects("answered-in-log", self.without("commands", 1, together))
        self.objects("answered-in-log", self.without("commands", 2, together))
        self.objects("answered-in-log", self.with_more(
            "requests", request("remove", "r9", 1.1, participant="person-1"), make=together))

    def test_one_invite_is_two_commands(self):
        self.objects("same-request-same-answer", self.changed("commands", 3, together, operationContext="invite-2.1"))

    def test_an_invite_that_was_passed_over(self):
        h = left()
        h["commands"][-1]["offset"] = 3.5  # before the hang up
        self.objects("taken-in-turn", h)
        h["dead"] = [{"reason": "no participants", "topic": "calls.commands", "from": 1, "fromOffset": 3.5}]
        h["poison"] = [{"kind": "empty", "partition": 1, "sha256": "i3", "call": CALL, "acknowledged": True}]
        self.keeps_all(h)

    def test_what_was_set_aside_is_taken_into_account(self):
        h = left()
        h["poison"] = [{"kind": "empty", "partition": 1, "sha256": "i2", "call": CALL, "acknowledged": True}]
        self.objects("misfit-fails", h)

    def test_a_webhook_before_the_answer_to_its_invite(self):
        h = together()
        h["commands"][1]["answerBy"] = h["events"][9]["answerBy"] = micro(0.95)
        self.objects("answer-first", {**h, "requests": [{**r, "received": T + 1 if r["kind"] == "invite" else
                                                         r["received"]} for r in h["requests"]]})

    # ---- results ----

    def test_no_result_or_two(self):
        h = self.event_changed(8, type="Snapshot", number=0)
        self.objects("one-invite-result", h)
        self.objects("one-invite-result", self.with_more(
            "events", invite_result(23, 13, "terminated", 1.4, "invite-2.1", GUEST, 200, 0), make=together))

    def test_a_result_of_nobody_and_of_all_at_once(self):
        h = together()
        h["events"][7]["data"]["participants"] *= 2
        self.objects("one-invite-result", h)
        h["events"][7]["data"]["participants"] = []
        self.objects("one-invite-result", h)

    def test_a_result_of_what_was_set_aside(self):
        h = together()
        h["dead"] = [{"reason": "no participants", "topic": "calls.commands", "from": 1, "fromOffset": 2}]
        self.objects("one-invite-result", h)

    def test_who_never_answers_is_said_to_have_come(self):
        self.objects("invite-truthful", self.result_changed(8, 200, 0, "completed"))
        self.objects("invite-truthful", self.result_changed(10, 400, 8508, "completed"))

    def test_who_came_is_said_to_have_failed(self):
        self.objects("invite-truthful", self.result_changed(10, 480, 560480))

    def test_who_came_without_a_word_of_his_phone(self):
        self.objects("invite-truthful", self.event_changed(9, legs=[{"leg": 2, "state": "ringing"}]))
        self.objects("invite-truthful", self.changed("dials", 1, together, at=T + 0.7))
        self.objects("invite-truthful", self.without("dials", 1, together))
        self.objects("invite-truthful", self.result_changed(17, 200, 0, "completed"))

    def test_who_failed_and_talks_later(self):
        h = left()
        h["events"][13]["legs"][0]["state"] = "talking"
        self.objects("invite-truthful", h)

    def test_a_code_that_is_not_true(self):
        for seq, code, subcode in ((8, 603, 560603), (8, 480, 560480), (8, 408, 560408), (8, 487, 560487),
                                   (8, 400, 8528), (8, 400, 8501), (8, 409, 8519), (8, 413, 8523), (21, 409, 8519),
                                   (17, 487, 560487)):
            with self.subTest(f"{seq}: {code}/{subcode}"):
                self.objects("invite-truthful", self.result_changed(seq, code, subcode))
        h = self.event_changed(7, legs=[{"leg": 1, "state": "ended"}])
        self.objects("invite-truthful", h)  # the one who is said to be in the call had gone

    def test_nobody_answered_when_the_time_was_over(self):
        h = self.result_changed(8, 480, 560480)
        h["dials"][2]["at"] = T + 0.83 - 2.5
        h["events"][4]["at"] = micro(0.83 - 2.51)
        self.assertNotIn("invite-truthful", self.broken(h))

    def test_another_caller_and_another_callee(self):
        h = together()
        h["events"][4]["dials"][0]["caller"] = None
        self.objects("invited-as-asked", h)
        self.objects("invited-as-asked", self.event_changed(5, dials=[dial_of(2, SLOW, "i1", "+15560000001")]))

    def test_results_that_go_elsewhere(self):
        self.objects("own-callback", self.event_changed(8, callbackUri=URI))
        self.objects("own-callback", self.event_changed(17, callbackUri=OWN))
        self.objects("own-callback", self.event_changed(11, callbackUri=OWN))

    # ---- dials ----

    def test_dialled_twice_for_one_invite(self):
        h = together()
        h["dials"].append({**ring(2, GUEST, 0.7), "dial": f"{CALL}.2.2"})
        self.objects("dialled-once", h)

    def test_an_invite_that_was_announced_late_or_twice(self):
        self.objects("dial-announced", self.event_changed(16, dials=[]))
        self.objects("dial-announced", self.changed("dials", 3, together, at=T + 1.19))
        self.objects("dial-announced", self.event_changed(16, dials=[dial_of(4, GUEST, "i2"),
                                                                     dial_of(2, GUEST, "i1")]))

    def test_who_talks_is_called_again(self):
        self.objects("no-second-dial", self.event_changed(16, dials=[dial_of(4, FIRST, "i2")]))

    def test_word_of_a_phone_that_was_not_dialled(self):
        self.objects("dialled-where-needed", self.without("dials", 2, together))

    def test_a_phone_that_rang_after_its_result(self):
        self.objects("no-dial-after-final", self.changed("dials", 2, together, at=T + 0.9))
        h = guest_stopped()
        h["interruptions"][0]["kind"] = "kill"
        self.objects("no-dial-after-final", h)
        for code, subcode in ((487, 560487), (400, 8528)):
            h = guest_stopped()
            h["events"][5]["data"]["resultInfo"] = {"code": code, "subcode": subcode}
            self.objects("no-dial-after-final", h)

    # ---- unknown ----

    def test_a_guest_is_unknown_for_no_reason(self):
        self.objects("unknown-explained", self.changed("events", 5, guest_lost, epoch="2.aa"))
        self.objects("unknown-explained", self.changed("interruptions", 0, guest_lost, worker="worker-9-1"))
        h = guest_lost()
        h["events"].insert(5, leg_event(5.5, "established", 0.62, 2, "trying", "ringing"))
        self.objects("unknown-explained", h)

    def test_a_guest_is_unknown_too_late(self):
        self.objects("unknown-in-time", self.changed("events", 5, guest_lost, at=micro(12.1)))

    # ---- the roster ----

    def test_a_list_that_is_not_true(self):
        self.objects("participants-updated", self.event_changed(11, data=people(0, 0, 0, (1, FIRST))["data"]))
        self.objects("participants-updated", self.event_changed(
            14, data=people(0, 0, 0, (1, FIRST), (2, GUEST))["data"]))
        h = together()
        h["events"][10]["data"]["participants"][0]["isMuted"] = True
        self.objects("participants-updated", h)

    def test_which_of_several_answered(self):
        self.objects("participants-updated", self.event_changed(5, several, data=people(
            0, 0, 0, (1, FIRST), (2, GUEST))["data"]))
        self.objects("participants-updated", self.event_changed(5, several, data=people(0, 0, 0)["data"]))
        h = several()
        del h["events"][4]  # nobody can tell: nothing is said about it
        h["commands"][0]["participantsUpdated"] = False
        self.assertFalse({"participants-updated", "left-where-two-talk"} & self.broken(h))

    def test_a_change_that_is_not_told(self):
        for seq in (4, 11, 14):
            with self.subTest(seq):
                self.objects("participants-updated", self.event_changed(seq, type="Snapshot", number=0))

    def test_a_list_though_nobody_came_or_left(self):
        h = together()
        h["events"][11] = people(12, 7, 0.9, (1, FIRST), (2, GUEST))
        self.objects("participants-updated", h)

    def test_what_nobody_asked_for(self):
        self.objects("subscribed", self.changed("commands", 0, together, participantsUpdated=False))
        self.objects("subscribed", self.changed("commands", 0, together, dtmfReceived=False))
        self.objects("subscribed", self.event_changed(12, number=0))

    def test_an_answered_list_that_is_not_true(self):
        self.objects("roster-true", self.changed("requests", 2, together, roster=["person-1", "person-3"]))
        self.objects("roster-true", self.changed("requests", 2, together, roster=["somebody"]))
        self.objects("roster-true", self.changed("requests", 2, together, sent=T + 7, received=T + 7.01))
        self.objects("roster-true", self.changed("requests", 2, together, received=T + 0.6))

    # ---- remove ----

    def test_who_was_removed_talks_on(self):
        h = self.event_changed(15, at=micro(6.1))
        self.objects("removed-hung-up", h)
        h["takeovers"].append({"worker": "worker-2-1", "partition": 1, "epoch": "3.bb", "at": T + 2})
        self.assertNotIn("removed-hung-up", self.broken(h))
        h = together()
        h["events"][8], h["events"][12] = ({**h["events"][12], "seq": 9, "offset": 19},
                                           {**h["events"][8], "seq": 13, "offset": 23})
        self.objects("removed-hung-up", h)

    def test_who_talks_is_not_known(self):
        self.objects("known-participant", self.changed("requests", 4, together, participant="person-1"))
        self.objects("known-participant", self.changed("requests", 4, together, received=T + 0.88))


class BrokenEnds(Breaking):
    def event_changed(self, seq, make=left, **change):
        return self.changed("events", seq - 1, make, **change)

    def test_the_app_hears_more_after_it_left(self):
        self.objects("nothing-after-final", self.event_changed(14, number=9))
        self.objects("nothing-after-final", self.event_changed(16, number=9))

    def test_somebody_is_called_after_it_left(self):
        self.objects("nothing-after-final", self.event_changed(14, dials=[dial_of(4, BUSY, "i3")]))
        h = left()
        h["dials"][2]["at"] = T + 1.1
        self.objects("no-dial-after-final", h)

    def test_it_is_established_again(self):
        self.objects("nothing-after-final", self.event_changed(14, state="established"))

    def test_something_after_all_are_gone(self):
        self.objects("nothing-after-final", self.with_more("events", leg_event(17, "left", 1.7, 2, "over", "ended"),
                                                           make=left))

    def test_numbers_without_state_left(self):
        h = self.event_changed(13, state="terminated")
        self.objects("nothing-after-final", h)

    def test_nothing_says_that_all_are_gone(self):
        self.objects("left-ends", self.without("events", 15, left))
        self.objects("left-ends", self.event_changed(16, type="Snapshot"))
        self.objects("left-ends", self.event_changed(16, number=9))

    def test_they_talk_for_too_long(self):
        h = self.event_changed(16, at=micro(11.7))
        self.objects("left-ends", h)
        h["takeovers"].append({"worker": "worker-2-1", "partition": 1, "epoch": "3.bb", "at": T + 1.5})
        self.keeps_all(h)
        h = self.event_changed(16, at=micro(11.7))
        h["interruptions"].append({"worker": "worker-2-1", "kind": "broker restart", "from": T + 1.1, "to": T + 9})
        self.objects("left-ends", h)  # another's
        h["interruptions"][0]["worker"] = "worker-1-1"
        self.keeps_all(h)

    def test_they_are_cut_off(self):
        self.objects("left-talk-on", self.event_changed(16, at=micro(1.3)))
        self.objects("left-talk-on", self.without("commands", -1, deleted))

    def test_they_talk_from_the_hang_up_on(self):
        h = self.event_changed(13, at=micro(1.5))  # it had to wait for somebody who might have rung
        h["events"][13]["at"] = micro(1.51)
        h["posts"][-1]["at"] = T + 1.55
        self.keeps_all(h)
        self.objects("left-talk-on", {**h, "events": h["events"][:-1] + [{**h["events"][-1], "at": micro(1.4)}]})

    def test_left_where_nobody_or_one_talks(self):
        h = left()
        h["events"][6]["legs"][0]["state"] = "ringing"
        self.objects("left-where-two-talk", h)
        self.objects("left-where-two-talk", self.changed("commands", 3, left, kind="delete"))

    def test_nobody_was_waited_for(self):
        h = gone_meanwhile()
        h["events"][9]["dials"] = []
        self.objects("left-where-two-talk", h)

    def test_they_were_cut_off_while_somebody_was_waited_for(self):
        h = gone_meanwhile()
        h["events"][12], h["events"][11] = ({**h["events"][11], "seq": 13, "offset": 23, "at": micro(1.3)},
                                            {**h["events"][12], "seq": 12, "offset": 22, "at": micro(1.2)})
        h["events"][14]["at"] = micro(1.31)
        self.objects("left-talk-on", h)

    def test_two_talk_and_it_is_over_for_all(self):
        self.objects("left-where-two-talk", self.event_changed(13, state="terminated"))
