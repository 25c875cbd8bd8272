# test_calls.py - the life of a call, for every script of the simulated phones, seen as an app sees it
import re
import time
import unittest

from client import create_body
from harness import QUICK, Stack, wait_until
from receiver import faults_of_delivery

PROMPT = "https://media.example/prompt.wav"
stack = client = hooks = None
turn = 0

RING_TIMEOUT, CALL_MAX = 5.6, 8  # s; script 32 answers after 5 s


def setUpModule():
    global stack, client, hooks
    stack = Stack("calls", **{**QUICK, "CALLCAST_RING_TIMEOUT": f"{int(RING_TIMEOUT * 1000)}ms",
                              "CALLCAST_CALL_MAX": f"{CALL_MAX}s"})
    unittest.addModuleCleanup(lambda: check_left(stack.down()))
    stack.up()
    client, hooks = stack.client(), stack.receiver()


def check_left(left):
    if left:
        raise AssertionError("after down: " + left)


def number(script):
    """Never the same twice, so that the ledger tells who was dialled."""
    global turn
    turn += 1
    return f"+1555{turn:05d}{script:02d}"


def create(numbers, path="/cb", digits=True, **more):
    answer = client.post("/calls", create_body(numbers, hooks.uri(path), digits, **more))
    assert answer.status == 200, answer
    return answer.json["callLegId"]


def play(call, uri=PROMPT, **more):
    return client.post(f"/calls/{call}/PlayAudio", {"audioFileUri": uri, **more})


class Case(unittest.TestCase):
    def ends(self, call, story, outcome, code, subcode, seconds=20):
        """The call tells exactly that, and ends so."""
        last = hooks.wait_end(call, seconds)
        self.assertIsNotNone(last, f"call {call} did not end: {hooks.story(call)}")
        self.assertEqual(hooks.story(call), story)
        self.assertEqual(faults_of_delivery(hooks.of(call)), [])
        self.assertEqual(last.data["outcome"], outcome)
        self.assertEqual((last.data["resultInfo"]["code"], last.data["resultInfo"]["subcode"]),
                         (code, subcode))
        self.assertTrue(last.data["resultInfo"]["message"])
        return last


class Scripts(Case):
    """One call for each script, all at once; each test waits for its own."""

    @classmethod
    def setUpClass(cls):
        cls.numbers = {s: number(s) for s in (20, 21, 22, 23, 24, 25, 30, 31, 32, 10)}
        cls.began = time.monotonic()
        cls.calls = {s: create(n) for s, n in cls.numbers.items()}

    def over(self, script, story, outcome, code, subcode):
        self.ends(self.calls[script], story, outcome, code, subcode)
        self.assertEqual(len(stack.dials_of(self.numbers[script])), 1)
        return hooks.wait_end(self.calls[script]).mono - self.began

    def test_20_busy(self):
        self.over(20, ["establishing", "terminated"], "busy", 486, 560486)

    def test_21_never_answered_ends_at_the_ring_timeout(self):
        took = self.over(21, ["establishing", "terminated"], "noAnswer", 480, 560480)
        self.assertGreater(took, RING_TIMEOUT - 0.1)
        self.assertLess(took, RING_TIMEOUT + 2)

    def test_22_declined(self):
        self.over(22, ["establishing", "terminated"], "declined", 603, 560603)

    def test_23_no_such_number(self):
        self.over(23, ["establishing", "terminated"], "noSuchNumber", 404, 560404)

    def test_24_network(self):
        self.over(24, ["establishing", "terminated"], "network", 503, 560503)

    def test_25_nothing_comes_back(self):
        self.over(25, ["establishing", "terminated"], "unreachable", 408, 560408)

    def test_30_hangs_up_at_once(self):
        self.over(30, ["establishing", "established", "terminating", "terminated"], "completed", 0, 560000)

    def test_31_voicemail_ends_at_call_max(self):
        took = self.over(31, ["establishing", "established", "terminating", "terminated"], "completed", 0, 560000)
        self.assertGreater(took, CALL_MAX - 0.1)

    def test_32_answers_late(self):
        call = self.calls[32]
        established = hooks.wait_state(call, "established", 10)
        self.assertIsNotNone(established)
        self.assertGreater(established.mono - self.began, 4.9)
        self.over(32, ["establishing", "established", "terminating", "terminated"], "completed", 0, 560000)

    def test_10_hangs_up_after_its_talk(self):
        self.over(10, ["establishing", "established", "terminating", "terminated"], "completed", 0, 560000)


class Prompts(Case):
    def established(self, script, **more):
        call = create(number(script), **more)
        self.assertIsNotNone(hooks.wait_state(call, "established"))
        return call

    def hang_up(self, call):
        self.assertEqual(client.post(f"/calls/{call}/Hangup").status, 202)

    def test_00_listens_until_we_hang_up(self):
        call = self.established(0)
        answer = play(call, operationContext="a \"b\" \u00e9\u4e2d")
        self.assertEqual(answer.status, 202)
        self.assertEqual(answer.json["status"], "running")
        self.assertEqual(answer.json["operationContext"], "a \"b\" \u00e9\u4e2d")
        self.assertIsNone(answer.json["resultInfo"])
        self.assertTrue(answer.json["id"])
        done = hooks.wait_event(call, "PlayAudioResult")
        self.assertEqual(done.data["operationContext"], "a \"b\" \u00e9\u4e2d")
        self.assertEqual(done.data["status"], "completed")
        self.assertEqual((done.data["resultInfo"]["code"], done.data["resultInfo"]["subcode"]), (200, 0))
        self.assertIsNone(hooks.wait_end(call, 0.3))
        self.hang_up(call)
        self.ends(call, ["establishing", "established", "play:completed", "terminating", "terminated"],
                  "completed", 0, 560000)

    def test_01_to_09_press_their_digit_once(self):
        calls = {d: create(number(d)) for d in range(1, 10)}
        for call in calls.values():
            self.assertIsNotNone(hooks.wait_state(call, "established"))
            self.assertEqual(play(call).status, 202)
        for digit, call in calls.items():
            self.assertIsNotNone(hooks.wait_event(call, "PlayAudioResult"))
            self.hang_up(call)
            self.ends(call, ["establishing", "established", f"tone{digit}", "play:completed", "terminating",
                             "terminated"], "completed", 0, 560000)

    def test_11_presses_many_in_order(self):
        call = self.established(11)
        play(call)
        self.assertIsNotNone(hooks.wait_event(call, "DtmfReceived", toneInfo={"sequenceId": 5, "tone": "pound"}))
        self.hang_up(call)
        hooks.wait_end(call)
        tones = [p.data["toneInfo"] for p in hooks.of(call) if p.type == "DtmfReceived"]
        self.assertEqual(tones, [{"sequenceId": i + 1, "tone": t} for i, t in
                                 enumerate(["tone1", "tone2", "tone3", "tone4", "pound"])])
        self.assertEqual(faults_of_delivery(hooks.of(call)), [])

    def test_digits_only_where_subscribed(self):
        call = self.established(11, digits=False)
        play(call)
        hooks.wait_event(call, "PlayAudioResult")
        # the ledger has them all the same
        self.assertTrue(wait_until(lambda: self.digits_in_ledger(call) == 5, 5, 0.2))
        self.hang_up(call)
        self.ends(call, ["establishing", "established", "play:completed", "terminating", "terminated"],
                  "completed", 0, 560000)

    def digits_in_ledger(self, call):
        return sum(e["type"] == "DtmfReceived" for e in stack.show(call)["events"])

    def test_a_prompt_that_is_missing_or_bad(self):
        for name, code in (("missing.wav", 8536), ("bad.wav", 8535)):
            with self.subTest(name):
                call = self.established(0)
                self.assertEqual(play(call, f"https://media.example/{name}", operationContext=name).status, 202)
                result = hooks.wait_event(call, "PlayAudioResult")
                self.assertEqual(result.data["status"], "failed")
                self.assertEqual(result.data["operationContext"], name)
                self.assertEqual((result.data["resultInfo"]["code"], result.data["resultInfo"]["subcode"]),
                                 (400, code))
                self.hang_up(call)
                self.ends(call, ["establishing", "established", "play:failed", "terminating", "terminated"],
                          "completed", 0, 560000)

    def test_an_operations_own_callback(self):
        call = self.established(1, path="/main")
        self.assertEqual(play(call, callbackUri=hooks.uri("/own?k=v")).status, 202)
        result = hooks.wait_event(call, "PlayAudioResult")
        self.assertEqual(result.path, "/own?k=v")
        self.hang_up(call)
        self.assertIsNotNone(hooks.wait_end(call))
        self.assertEqual({p.path for p in hooks.of(call) if p.type != "PlayAudioResult"}, {"/main"})
        # one sequence of numbers over both
        self.assertEqual(sorted(p.number for p in hooks.of(call)), list(range(1, len(hooks.of(call)) + 1)))

    def test_cancel_ends_each_prompt_as_completed(self):
        """With the code that says why, and its own context; the digit that made the app cancel came before."""
        call = self.established(1)
        for context in ("one", "two"):
            play(call, loop=True, operationContext=context)
        self.assertIsNotNone(hooks.wait_event(call, "DtmfReceived"))
        answer = client.post(f"/calls/{call}/CancelMediaProcessing", {"operationContext": "cancel"})
        self.assertEqual((answer.status, answer.json["status"], answer.json["operationContext"]),
                         (202, "running", "cancel"))
        for context in ("one", "two"):
            result = hooks.wait_event(call, "PlayAudioResult", operationContext=context)
            self.assertEqual((result.data["status"], result.data["resultInfo"]["code"],
                              result.data["resultInfo"]["subcode"]), ("completed", 400, 8508))
        # once more, with no body at all: there is nothing left to cancel, and no event says so
        again = client.post(f"/calls/{call}/CancelMediaOperations?api-version=2021-04-15-preview1")
        self.assertEqual((again.status, again.json["operationContext"]), (200, None))
        play(call, operationContext="three")
        self.assertEqual(hooks.wait_event(call, "PlayAudioResult", operationContext="three").data["resultInfo"]["code"],
                         200)
        self.hang_up(call)
        self.assertIsNotNone(hooks.wait_end(call))
        self.assertEqual(hooks.story(call).count("play:completed"), 3)
        self.assertEqual(client.post(f"/calls/{call}/CancelMediaProcessing").json["code"], "8528")

    def test_cancel_needs_an_established_call(self):
        call = create(number(21))
        for body in (None, {"operationContext": "x"}):
            answer = client.post(f"/calls/{call}/CancelMediaProcessing", body)
            self.assertEqual((answer.status, answer.json["code"]), (400, "8501"))
        answer = client.post(f"/calls/{call}/CancelMediaProcessing", {"operationContext": 7})
        self.assertEqual((answer.status, answer.json["code"]), (400, "8523"))
        self.assertIn("operationContext", answer.json["message"])
        client.delete(f"/calls/{call}")

    def test_a_prompt_that_still_plays_gets_its_result_before_the_end(self):
        call = self.established(0)
        play(call, operationContext="cut")
        self.hang_up(call)
        last = hooks.wait_end(call)
        result = hooks.wait_event(call, "PlayAudioResult")
        self.assertEqual(result.data["operationContext"], "cut")
        self.assertEqual((result.data["status"], result.data["resultInfo"]["subcode"]), ("failed", 8528))
        self.assertEqual(last.number, result.number + 1)
        self.assertEqual(faults_of_delivery(hooks.of(call)), [])


class Ends(Case):
    def test_hang_up_while_ringing(self):
        for verb in ("Hangup", "DELETE"):
            with self.subTest(verb):
                call = create(number(21))
                self.assertIsNotNone(hooks.wait_state(call, "establishing"))
                answer = client.post(f"/calls/{call}/Hangup") if verb == "Hangup" else client.delete(f"/calls/{call}")
                self.assertEqual((answer.status, answer.body), (202, b""))
                self.ends(call, ["establishing", "terminating", "terminated"], "cancelled", 487, 560487)

    def test_hang_up_right_after_the_create(self):
        """No look-up is between them: it finds the call in its partition."""
        calls = []
        for _ in range(10):
            call = create(number(21))
            self.assertEqual(client.post(f"/calls/{call}/Hangup").status, 202)
            calls.append(call)
        for call in calls:
            self.ends(call, ["establishing", "terminating", "terminated"], "cancelled", 487, 560487)

    def test_delete_of_an_established_call(self):
        call = create(number(0))
        self.assertIsNotNone(hooks.wait_state(call, "established"))
        self.assertEqual(client.delete(f"/calls/{call}").status, 202)
        self.ends(call, ["establishing", "established", "terminating", "terminated"], "completed", 0, 560000)

    def test_commands_to_an_ended_call(self):
        call = create(number(23))
        self.assertIsNotNone(hooks.wait_end(call))
        for answer in (client.post(f"/calls/{call}/Hangup"), play(call)):
            self.assertEqual((answer.status, answer.json["code"]), (400, "8528"))
        self.assertEqual(client.delete(f"/calls/{call}").status, 202)  # gone is what was wanted
        self.assertEqual(hooks.story(call), ["establishing", "terminated"])

    def test_a_prompt_before_the_answer(self):
        call = create(number(21))
        self.assertIsNotNone(hooks.wait_state(call, "establishing"))
        answer = play(call)
        self.assertEqual((answer.status, answer.json["code"]), (400, "8501"))
        client.delete(f"/calls/{call}")
        self.ends(call, ["establishing", "terminating", "terminated"], "cancelled", 487, 560487)


class Targets(Case):
    def test_the_first_answer_establishes_and_the_end_is_for_all(self):
        numbers = [number(21), number(0), number(20)]
        call = create(numbers)
        self.assertIsNotNone(hooks.wait_state(call, "established"))
        self.assertEqual(client.post(f"/calls/{call}/Hangup").status, 202)
        self.ends(call, ["establishing", "established", "terminating", "terminated"], "completed", 0, 560000)
        self.assertEqual([len(stack.dials_of(n)) for n in numbers], [1, 1, 1])

    def test_all_fail_and_the_first_ones_outcome_counts(self):
        call = create([number(22), number(20), number(23)])
        self.ends(call, ["establishing", "terminated"], "declined", 603, 560603)

    def test_one_hangs_up_and_the_others_talk_on(self):
        call = create([number(0), number(30)])
        self.assertIsNotNone(hooks.wait_state(call, "established"))
        self.assertIsNone(hooks.wait_end(call, 1))
        client.delete(f"/calls/{call}")
        self.ends(call, ["establishing", "established", "terminating", "terminated"], "completed", 0, 560000)

    def test_users_and_raw_ids_are_called_too(self):
        targets = [{"communicationUser": {"id": "8:acs:somebody-20"}}, {"rawId": "sip:raw-20"}]
        answer = client.post("/calls", {"targets": targets, "callbackUri": hooks.uri()})
        call = answer.json["callLegId"]
        self.ends(call, ["establishing", "terminated"], "busy", 486, 560486)
        self.assertEqual(len(stack.dials_of("8:acs:somebody-20")), 1)


class Show(Case):
    def test_the_tool_shows_record_and_events(self):
        target = number(1)
        call = create(target, subject="hello")
        self.assertIsNotNone(hooks.wait_state(call, "established"))
        shown = stack.show(call)
        self.assertEqual((shown["callLegId"], shown["record"]["state"]), (call, "established"))
        self.assertEqual(shown["record"]["legs"][0]["who"], target)
        client.delete(f"/calls/{call}")
        self.assertIsNotNone(hooks.wait_end(call))
        events = stack.show(call)["events"]
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        numbers = [e["number"] for e in events if e["number"]]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        self.assertEqual([e for e in events if e.get("final")], events[-1:])

    def test_numbers_and_queries_are_masked(self):
        target = number(20)
        call = create(target, path="/cb?secret=hush")
        self.assertIsNotNone(hooks.wait_end(call))
        done = stack.tool("show", call)
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in (target, "hush"):
            self.assertNotIn(word, done.stdout)
        self.assertIn("busy", done.stdout)


class ZLogs(unittest.TestCase):
    """Last: whatever the tests above made the programs say."""

    def test_no_number_secret_or_query_in_a_log(self):
        secrets = [stack.env[k] for k in ("CALLCAST_ACCESS_KEY", "CALLCAST_BEARER", "CALLCAST_WEBHOOK_SECRET")]
        numbers = {d[1] for d in stack.dials() if d[1].startswith("+")}
        self.assertGreater(len(numbers), 30)
        for name in ("producer", "notifier", "worker-1", "worker-2"):
            text = stack.log(name)
            self.assertNotIn("hush", text)
            self.assertEqual([n for n in numbers if n in text], [], name)
            self.assertEqual([s for s in secrets if s in text], [], name)
            self.assertEqual(re.findall("^\\S+ error .*", text, re.M), [], name)
        self.assertEqual(hooks.faults, [])
