# test_aliases.py - the six operations under every name that a client of those years uses for them
import unittest

from caller import PROMPT, Caller
from client import create_body, phone
from harness import QUICK, Stack, wait_until

# prefix, query, and whether the later statuses are due: 201 for a create, 200 for a cancel
NAMES = [(prefix, query, later)
         for prefix in ("/calls", "/calling/calls", "/Calling/Calls", "/CALLS")
         for query, later in (("", False), ("?api-version=2021-04-15-preview1", True),
                              ("?x=y&Api-Version=2021-03-28-preview0", True), ("?api-version=", False))]
WORDS = [("Hangup", "PlayAudio", "CancelMediaProcessing", "participants"),
         ("hangup", "playaudio", "CancelMediaOperations", "Participants"),
         ("HANGUP", "PLAYAUDIO", "cancelmediaprocessing", "PARTICIPANTS"),
         ("hangUp", "playAudio", "CANCELMEDIAOPERATIONS", "participants")]
stack = app = None


def setUpModule():
    global stack, app
    stack = Stack("aliases", **QUICK, WORKERS="1")
    unittest.addModuleCleanup(stack.down)
    stack.up()
    app = Caller(stack, "568")


class Aliases(unittest.TestCase):
    def accepted(self, answer, status, body=None):
        """That status, and an empty body or that JSON."""
        self.assertEqual((answer.status, answer.json if body else answer.body), (status, body or b""))

    def one_call(self, prefix, query, later, words):
        hangup, play, cancel, participants = words
        number, guest = app.number(0), app.number(0)
        body = create_body(number, app.hooks.uri("/alias"), requestedCallEvents=["participantsUpdated"])
        answer = app.client.post(prefix + query, body)
        self.assertEqual(answer.status, 201 if later else 200)
        call = answer.json.pop("callLegId")
        self.assertEqual(answer.json, {})
        self.assertTrue(app.hooks.wait_state(call, "established"))
        target = f"{prefix}/{call}"

        answer = app.client.post(f"{target}/{play}{query}", {"audioFileUri": PROMPT, "loop": True, "operationContext": "p",
                                                             "resourceId": "r"})
        self.accepted(answer, 202, {"id": answer.json["id"], "status": "running", "operationContext": "p",
                                    "resultInfo": None})
        for context in ({"operationContext": "c"}, None):
            answer = app.client.post(f"{target}/{cancel}{query}", context)
            self.accepted(answer, 200 if later else 202,
                          {"id": answer.json["id"], "status": "running",
                           "operationContext": context and "c", "resultInfo": None})
        self.assertEqual(app.result(call, "PlayAudioResult", "p"), ("completed", 400, 8508))

        body = {"participants": [phone(guest)], "operationContext": "i", "alternateCallerId": {"value": "+15550001111"}}
        self.accepted(app.client.post(f"{target}/{participants}{query}", body), 202)
        self.assertEqual(app.result(call, "InviteParticipantResult", "i"), ("completed", 200, 0))
        listed = app.client.get(f"{target}/{participants}{query}")
        self.assertEqual(listed.status, 200)
        ids = {p["identifier"]["phoneNumber"]["value"]: p["participantId"] for p in listed.json["value"]}
        self.assertEqual(set(ids), {number, guest})
        self.accepted(app.client.delete(f"{target}/{participants}/{ids[guest]}{query}"), 202)
        self.assertTrue(wait_until(lambda: len(app.people(call)) == 1, 5))
        self.accepted(app.client.post(f"{target}/{hangup}{query}"), 202)
        self.accepted(app.client.delete(f"{target}{query}"), 202)

        self.assertEqual(app.end(call), ("completed", 0, 560000))
        self.assertEqual(app.hooks.story(call), ["establishing", "established", "people:1", "play:completed",
                                                 "invite:completed", "people:2", "people:1", "terminating", "terminated"])
        source = "/calling/calls/" if "calling" in prefix.lower() else "/calls/"
        self.assertEqual({p.event["source"] for p in app.hooks.of(call)}, {source + call})

    def test_every_operation_under_every_name(self):
        for i, (prefix, query, later) in enumerate(NAMES):
            with self.subTest(prefix + query):
                self.one_call(prefix, query, later, WORDS[(i + i // 4) % len(WORDS)])

    def test_every_word_in_every_case(self):
        for words in WORDS:
            with self.subTest(words):
                self.one_call("/calling/calls", "?api-version=2021-04-15-preview1", True, words)

    def test_a_call_made_under_one_name_is_known_under_the_other(self):
        call, number = app.established(0)
        self.assertEqual(app.client.get(f"/calling/calls/{call}").json["callState"], "established")
        self.assertEqual(app.client.post(f"/calling/calls/{call}/hangup?api-version=2021-04-15-preview1").status, 202)
        self.assertEqual(app.end(call), ("completed", 0, 560000))
        self.assertEqual({p.event["source"] for p in app.hooks.of(call)}, {f"/calls/{call}"})
