# test_people.py - who comes into a call and who leaves it: invite, remove, the list, and those who talk on
import time
import unittest

from caller import Caller
from harness import QUICK, Stack, wait_until

TALK = 1.2  # s
stack = app = None


def setUpModule():
    global stack, app
    stack = Stack("people", **{**QUICK, "CALLCAST_SIM_TALK": f"{int(TALK * 1000)}ms", "CALLCAST_RING_TIMEOUT": "6s"})
    unittest.addModuleCleanup(stack.down)
    stack.up()
    app = Caller(stack, "565")


def raw(number):
    return "4:" + number


class Case(unittest.TestCase):
    def invited(self, call, number, **more):
        """He has come."""
        answer = app.invite(call, number, operationContext=number, **more)
        self.assertEqual((answer.status, answer.body), (202, b""))
        self.assertEqual(app.result(call, "InviteParticipantResult", number), ("completed", 200, 0))

    def two(self, *scripts):
        """A call in which two talk."""
        call, first = app.established(scripts[0] if scripts else 0)
        second = app.number(scripts[1] if scripts else 0)
        self.invited(call, second)
        return call, first, second

    def over(self, call, *story, outcome=("completed", 0, 560000)):
        self.assertEqual(app.end(call), outcome, app.hooks.story(call))
        self.assertEqual(app.hooks.story(call), list(story))
        self.assertEqual(app.faults(call), [])

    def count(self, call, n):
        """So many talk, as GET says, within a moment."""
        return wait_until(lambda: len(app.people(call)) == n, 5)


class Lists(Case):
    def test_the_list_follows_who_talks(self):
        call = app.create(app.number(21))
        self.assertTrue(app.hooks.wait_state(call, "establishing"))
        self.assertEqual(app.people(call), [])  # he only rings
        app.delete(call)

        call, first = app.established(0)
        self.assertEqual([who for who, _ in app.people(call)], [raw(first)])
        second, third, deaf = app.number(0), app.number(0), app.number(21)
        app.invite(call, [second, third, deaf], operationContext="i")
        self.assertTrue(self.count(call, 3))
        self.assertEqual({who for who, _ in app.people(call)}, {raw(n) for n in (first, second, third)})
        ids = dict(app.people(call))
        self.assertEqual(app.remove(call, ids[raw(second)]).status, 202)
        self.assertTrue(self.count(call, 2))
        self.assertEqual({who for who, _ in app.people(call)}, {raw(first), raw(third)})
        self.assertEqual(dict(app.people(call))[raw(third)], ids[raw(third)])
        app.delete(call)
        self.assertTrue(app.hooks.wait_end(call))
        self.assertEqual(app.people(call), [])

    def test_the_list_says_what_the_event_said(self):
        call, _, _ = self.two()
        self.assertTrue(app.hooks.wait(lambda: app.hooks.story(call)[-1] == "people:2", 5))
        told = [p for p in app.hooks.of(call) if p.type == "ParticipantsUpdated"][-1]
        self.assertEqual(app.client.get(f"/calls/{call}/participants").json["value"], told.data["participants"])
        app.delete(call)

    def test_nobodys_call_has_no_list(self):
        call = app.create(app.number(0))
        other = call[:-1] + ("A" if call[-1] != "A" else "B")
        answer = app.client.get(f"/calls/{other}/participants")
        self.assertEqual((answer.status, answer.json["code"]), (404, "8522"))
        app.delete(call)


class Invites(Case):
    def test_one_result_for_each_and_one_roster_for_each_who_came(self):
        call, _ = app.established(0)
        who = [app.number(script) for script in (0, 20, 22, 0)]
        self.assertEqual(app.invite(call, who, operationContext="many").status, 202)
        self.assertTrue(app.hooks.wait(lambda: sum(p.type == "InviteParticipantResult" for p in app.hooks.of(call)) == 4, 10))
        results = {p.data["participants"][0]["phoneNumber"]["value"]: (p.data["status"], p.data["resultInfo"]["subcode"])
                   for p in app.hooks.of(call) if p.type == "InviteParticipantResult"}
        self.assertEqual(results, {who[0]: ("completed", 0), who[1]: ("failed", 560486), who[2]: ("failed", 560603),
                                   who[3]: ("completed", 0)})
        self.assertTrue(app.hooks.wait(lambda: "people:3" in app.hooks.story(call), 5))
        for n in who:
            self.assertEqual(len(stack.dials_of(n)), 1)
        # each who came: his result, then the roster with him
        words = app.hooks.story(call)
        self.assertEqual([words[i + 1] for i, w in enumerate(words) if w == "invite:completed"], ["people:2", "people:3"])
        app.delete(call)
        self.assertTrue(app.end(call))
        self.assertEqual(app.faults(call), [])

    def test_an_invite_that_comes_twice_is_one(self):
        call, _ = app.established(0)
        number, name = app.number(0), {"x-ms-client-request-id": "0b7ad3b1-5cf0-4a43-b8ae-77a1bd6ff1a5"}
        body = {"participants": [{"phoneNumber": {"value": number}}], "operationContext": "once"}
        for _ in range(3):
            self.assertEqual(app.client.post(f"/calls/{call}/participants", body, headers=name).status, 202)
        self.assertEqual(app.result(call, "InviteParticipantResult", "once"), ("completed", 200, 0))
        time.sleep(0.4)
        self.assertEqual(len(stack.dials_of(number)), 1)
        app.delete(call)
        self.over(call, "establishing", "established", "people:1", "invite:completed", "people:2", "terminating",
                  "terminated")

    def test_the_guest_hears_the_prompt_that_plays_and_may_press(self):
        call, _ = app.established(0)
        app.play(call, loop=True, operationContext="loop")
        self.invited(call, app.number(4))
        self.assertTrue(app.hooks.wait_event(call, "DtmfReceived", toneInfo={"sequenceId": 1, "tone": "tone4"}))
        app.cancel(call)
        self.assertEqual(app.result(call, "PlayAudioResult", "loop"), ("completed", 400, 8508))
        app.delete(call)
        self.assertTrue(app.end(call))
        self.assertEqual(app.faults(call), [])

    def test_the_guest_stays_when_the_first_hangs_up(self):
        call, first = app.established(10)
        guest = app.number(0)
        self.invited(call, guest)
        self.assertTrue(app.hooks.wait(lambda: app.hooks.story(call)[-1] == "people:1", 5))
        self.assertEqual([who for who, _ in app.people(call)], [raw(guest)])
        app.hang_up(call)  # one alone: for all
        self.over(call, "establishing", "established", "people:1", "invite:completed", "people:2", "people:1",
                  "terminating", "terminated")

    def test_faults_name_their_field(self):
        call, _ = app.established(0)
        good = [{"phoneNumber": {"value": "+15550000000"}}]
        for body, word in (({}, "participants"), ({"participants": []}, "participants"),
                           ({"participants": [None]}, "participants[0]"), ({"participants": good * 2}, "participants[1]"),
                           ({"participants": [{"phoneNumber": {"value": "12"}}]}, "participants[0].phoneNumber.value"),
                           ({"participants": good, "alternateCallerId": {"value": "x"}}, "alternateCallerId.value"),
                           ({"participants": good, "callbackUri": "ftp://x.example/"}, "callbackUri"),
                           ({"participants": good, "operationContext": "x" * 5001}, "operationContext")):
            with self.subTest(word):
                answer = app.client.post(f"/calls/{call}/participants", body)
                self.assertEqual((answer.status, answer.json["code"]), (400, "8523"))
                self.assertIn(word, answer.json["message"])
        self.assertEqual(stack.dials_of("+15550000000"), [])
        app.delete(call)


class Removes(Case):
    def test_one_who_talks(self):
        call, first, second = self.two()
        people = dict(app.people(call))
        answer = app.remove(call, people[raw(first)].upper())
        self.assertEqual((answer.status, answer.body), (202, b""))
        self.assertTrue(self.count(call, 1))
        again = app.remove(call, people[raw(first)])
        self.assertEqual((again.status, again.json["code"]), (404, "8522"))
        self.assertEqual(app.remove(call, people[raw(second)]).status, 202)  # the last one: the call's end
        self.over(call, "establishing", "established", "people:1", "invite:completed", "people:2", "people:1",
                  "terminating", "terminated")

    def test_one_whose_phone_rings(self):
        call, _ = app.established(0)
        deaf = app.number(21)
        app.invite(call, deaf, operationContext="ring")
        self.assertTrue(wait_until(lambda: stack.dials_of(deaf), 5))
        self.assertEqual(app.remove(call, app.participant_of(call, deaf)).status, 202)
        self.assertEqual(app.result(call, "InviteParticipantResult", "ring"), ("failed", 487, 560487))
        app.delete(call)
        self.over(call, "establishing", "established", "people:1", "invite:failed", "terminating", "terminated")

    def test_nobody_of_that_id(self):
        call, _ = app.established(0)
        for name in ("6a6a6a6a-6a6a-4a6a-8a6a-6a6a6a6a6a6a", "nobody"):
            answer = app.remove(call, name)
            self.assertEqual((answer.status, answer.json["code"]), (404, "8522"), name)
        app.delete(call)
        self.assertTrue(app.end(call))


class Leaving(Case):
    """The app hangs up while two talk."""

    @staticmethod
    def all_gone(call):
        """An ended call's record has no legs any more."""
        return wait_until(lambda: not stack.show(call)["record"]["legs"], 10, 0.05)

    def test_two_talk_on_until_they_hang_up(self):
        call, first, second = self.two()
        began = time.monotonic()
        self.assertEqual(app.hang_up(call).status, 202)
        last = app.hooks.wait_end(call)
        self.assertLess(last.mono - began, TALK / 2)
        self.assertEqual([leg["state"] for leg in stack.show(call)["record"]["legs"]], ["talking", "talking"])
        self.assertEqual(app.client.get(f"/calls/{call}").json["callState"], "terminated")
        self.assertEqual(app.people(call), [])
        self.assertTrue(self.all_gone(call))
        self.assertGreater(time.monotonic() - began, TALK - 0.1)
        self.over(call, "establishing", "established", "people:1", "invite:completed", "people:2", "terminating",
                  "terminated")
        self.assertEqual(app.client.get(f"/calls/{call}").json["outcome"], "completed")

    def test_what_is_owed_comes_before_the_end(self):
        call, _, _ = self.two()
        deaf = app.number(21)
        app.play(call, loop=True, operationContext="p")
        app.invite(call, deaf, operationContext="i")
        self.assertTrue(wait_until(lambda: stack.dials_of(deaf), 5))
        app.hang_up(call)
        self.assertTrue(app.hooks.wait_end(call))
        self.assertEqual(app.result(call, "PlayAudioResult", "p"), ("failed", 400, 8528))
        self.assertEqual(app.result(call, "InviteParticipantResult", "i"), ("failed", 487, 560487))
        self.assertEqual(set(app.hooks.story(call)[-3:-1]), {"play:failed", "invite:failed"})
        self.assertEqual(app.faults(call), [])

    def test_commands_after_it(self):
        call, first, _ = self.two()
        somebody = dict(app.people(call))[raw(first)]
        app.hang_up(call)
        self.assertTrue(app.hooks.wait_end(call))
        words = app.hooks.story(call)
        for answer in (app.play(call), app.cancel(call), app.hang_up(call), app.invite(call, app.number(0)),
                       app.remove(call, somebody)):
            self.assertEqual((answer.status, answer.json["code"]), (400, "8528"))
        began = time.monotonic()
        self.assertEqual(app.delete(call).status, 202)  # for all
        self.assertTrue(self.all_gone(call))
        self.assertLess(time.monotonic() - began, TALK / 2)
        time.sleep(0.3)
        self.assertEqual(app.hooks.story(call), words)

    def test_of_three_two_talk_on(self):
        """One hangs up, and is the ledger's business only; the next takes the last along."""
        call, _, _ = self.two()
        self.invited(call, app.number(10))  # hangs up TALK after his answer: before the others
        time.sleep(TALK / 2)
        began = time.monotonic()
        app.hang_up(call)
        self.assertTrue(app.hooks.wait_end(call))
        self.assertTrue(wait_until(lambda: len(self.talking(call)) == 2, 5, 0.05))
        self.assertLess(time.monotonic() - began, TALK - 0.1)
        self.assertTrue(self.all_gone(call))
        self.assertEqual(stack.show(call)["events"][-1]["data"]["callState"], "terminated")
        self.assertEqual(app.hooks.story(call)[-3:], ["people:3", "terminating", "terminated"])
        self.assertEqual(app.faults(call), [])

    @staticmethod
    def talking(call):
        return [leg for leg in stack.show(call)["record"]["legs"] if leg["state"] == "talking"]

    def test_several_targets(self):
        """A create with two who answer is the same."""
        call = app.create([app.number(0), app.number(0)])
        self.assertTrue(app.hooks.wait(lambda: "people:2" in app.hooks.story(call), 5))
        app.hang_up(call)
        self.over(call, "establishing", "established", "people:1", "people:2", "terminating", "terminated")


class Order(Case):
    """No event leaves before answerBy of the command that caused it: 10 ms after that came, or later."""

    def after(self, answer, post):
        self.assertIsNotNone(post)
        self.assertGreater(post.utc - answer.sent_utc, 0.010)

    def test_what_each_operation_causes_waits_for_its_answer(self):
        for _ in range(5):
            call, first = app.established(0)
            with self.subTest("invite: he is there already"):
                answer = app.invite(call, first, operationContext="there")
                self.after(answer, app.hooks.wait_event(call, "InviteParticipantResult", operationContext="there"))
            with self.subTest("invite: no such number"):
                answer = app.invite(call, app.number(23), operationContext="wrong")
                self.after(answer, app.hooks.wait_event(call, "InviteParticipantResult", operationContext="wrong"))
            with self.subTest("cancel"):
                app.play(call, loop=True, operationContext="p")
                answer = app.cancel(call)
                self.after(answer, app.hooks.wait_event(call, "PlayAudioResult", operationContext="p"))
            with self.subTest("remove"):
                guest = app.number(0)
                self.invited(call, guest)
                answer = app.remove(call, app.participant_of(call, guest))
                self.assertTrue(app.hooks.wait(lambda c=call: app.hooks.story(c)[-2:] == ["people:2", "people:1"], 5))
                self.after(answer, app.hooks.of(call)[-1])
            with self.subTest("hang up"):
                answer = app.hang_up(call)
                self.after(answer, app.hooks.wait_state(call, "terminating"))
            self.over(call, "establishing", "established", "people:1", "invite:failed", "invite:failed", "play:completed",
                      "invite:completed", "people:2", "people:1", "terminating", "terminated")
