# test_envelopes.py - every event in full, in both forms, and which of them come for whom
import re
import time
import unittest

from caller import Caller
from harness import QUICK, Stack
from receiver import faults_of_delivery

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SETTINGS = {**QUICK, "WORKERS": "1", "CALLCAST_SIM_PROMPT": "600ms"}
NAMES = {"callState": "CallLegStateChanged", "dtmf": "DtmfReceived", "playAudio": "PlayAudioResult",
         "inviteParticipantResult": "InviteParticipantResult", "participantsUpdated": "ParticipantsUpdated"}
OK = {"code": 200, "subcode": 0, "message": "Action completed successfully."}
ENDED = {"code": 0, "subcode": 560000, "message": "The call was answered and ended normally."}
BUSY = {"code": 486, "subcode": 560486, "message": "The callee is busy."}


class Envelopes:
    """One call with everything in it; a form says how its envelope and its data are spelt."""

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(f"envelope-{cls.form}", **SETTINGS, CALLCAST_CALLBACKS_ENVELOPE=cls.form)
        cls.addClassCleanup(cls.stack.down)
        cls.stack.up()
        cls.app = Caller(cls.stack, "563")
        cls.number, cls.busy, cls.guest = cls.app.number(1), cls.app.number(20), "8:acs:guest-00"
        cls.call = cls.app.create(cls.number, path="/main?k=v", operationContext="of the call")
        cls.drive()
        cls.posts = cls.app.hooks.of(cls.call)

    @classmethod
    def wait(cls, kind, count=1):
        """Until so many events of that type have come."""
        def there():
            return sum(p.type == kind for p in cls.app.hooks.by_call.get(cls.call, [])) >= count
        assert cls.app.hooks.wait(there, 10), [p.type for p in cls.app.hooks.of(cls.call)]

    @classmethod
    def drive(cls):
        app, call = cls.app, cls.call
        cls.wait("ParticipantsUpdated")
        app.play(call, operationContext="p\u00e9 \"1\"", callbackUri=app.hooks.uri("/own"))
        cls.wait("PlayAudioResult")
        app.play(call, loop=True)  # no context: null
        cls.wait("DtmfReceived", 2)
        app.cancel(call)
        cls.wait("PlayAudioResult", 2)
        app.invite(call, cls.busy, operationContext="i1")
        cls.wait("InviteParticipantResult")
        app.client.post(f"/calls/{call}/participants", {"participants": [{"communicationUser": {"id": cls.guest}}],
                                                        "callbackUri": app.hooks.uri("/own")})
        cls.wait("ParticipantsUpdated", 2)
        cls.ids = dict(app.people(call))
        app.hang_up(call)
        cls.wait("CallLegStateChanged", 4)
        time.sleep(0.3)  # and nothing comes behind it

    def test_each_event_in_full(self):
        told = [(number, subject, data) for number, (subject, data) in enumerate(self.story(), 1)]
        self.assertEqual([p.number for p in self.posts], [number for number, _, _ in told])
        for post, (number, subject, data) in zip(self.posts, told):
            with self.subTest(f"{number} {subject}"):
                self.assertEqual(self.without_time(post.event), self.envelope(number, subject, data))

    def without_time(self, event):
        copy = dict(event)
        self.assertRegex(copy.pop(self.time_key), f"^{TIME.pattern}$")
        return copy

    def test_times_do_not_go_back(self):
        times = [p.event[self.time_key] for p in self.posts]
        self.assertEqual(times, sorted(times))

    def test_where_each_went(self):
        own = [p.number for p in self.posts if p.path == "/own"]
        self.assertEqual(own, [5, 9])
        self.assertEqual({p.path for p in self.posts if p.number not in own}, {"/main?k=v"})

    def test_ids(self):
        self.assertEqual(len(self.ids), 2)
        for participant in self.ids.values():
            self.assertRegex(participant, f"^{GUID.pattern}$")
        self.assertEqual(self.app.hooks.faults, [])


class CloudEvents(Envelopes, unittest.TestCase):
    form, time_key = "cloudevents", "time"

    def envelope(self, number, subject, data):
        return {"id": f"{self.call}-{number}", "source": f"/calls/{self.call}",
                "type": f"Microsoft.Communication.{NAMES[subject]}", "subject": f"callLeg/{self.call}/{subject}",
                "specversion": "1.0", "datacontenttype": "application/json", "data": {"callLegId": self.call, **data}}

    def who(self, number):
        phone = {"value": number} if number.startswith("+") else None
        return {"rawId": f"4:{number}" if phone else number, "communicationUser": None if phone else {"id": number},
                "phoneNumber": phone, "microsoftTeamsUser": None}

    def people(self, *numbers):
        return {"participants": [{"identifier": self.who(n), "participantId": self.ids[self.who(n)["rawId"]],
                                  "isMuted": False} for n in numbers]}

    def story(self):
        def state(word, **more):
            return "callState", {"callState": word, "conversationId": None, **more}

        def tone(n):
            return "dtmf", {"toneInfo": {"sequenceId": n, "tone": "tone1"}}

        def result(subject, context, status, info, **more):
            return subject, {"operationContext": context, "status": status, "resultInfo": info, **more}

        cancelled = {"code": 400, "subcode": 8508, "message": "The operation was cancelled."}
        yield from (
            state("establishing"), state("established"), ("participantsUpdated", self.people(self.number)), tone(1),
            result("playAudio", "p\u00e9 \"1\"", "completed", OK), tone(2),
            result("playAudio", None, "completed", cancelled),
            result("inviteParticipantResult", "i1", "failed", BUSY, participants=[self.who(self.busy)]),
            result("inviteParticipantResult", None, "completed", OK, participants=[self.who(self.guest)]),
            ("participantsUpdated", self.people(self.number, self.guest)), state("terminating"),
            state("terminated", outcome="completed", resultInfo=ENDED))


class EventGrid(Envelopes, unittest.TestCase):
    form, time_key = "eventgrid", "eventTime"

    def envelope(self, number, subject, data):
        return {"id": f"{self.call}-{number}", "topic": None, "subject": f"callLeg/{self.call}/{subject}",
                "data": {"CallLegId": self.call, **data}, "eventType": f"Microsoft.Communication.{NAMES[subject]}",
                "metadataVersion": None, "dataVersion": None}

    def who(self, number):
        phone = {"Value": number} if number.startswith("+") else None
        return {"RawId": f"4:{number}" if phone else number, "CommunicationUser": None if phone else {"Id": number},
                "PhoneNumber": phone, "MicrosoftTeamsUser": None}

    def people(self, *numbers):
        return {"Participants": [{"Identifier": self.who(n), "ParticipantId": self.ids[self.who(n)["RawId"]],
                                  "IsMuted": False} for n in numbers]}

    def story(self):
        def state(word, **more):
            return "callState", {"CallState": word, "ConversationId": None, **more}

        def tone(n):
            return "dtmf", {"ToneInfo": {"SequenceId": n, "Tone": "Tone1"}}

        def result(subject, context, status, info, **more):
            return subject, {"OperationContext": context, "Status": status, "ResultInfo": pascal(info), **more}

        def pascal(info):
            return {"Code": info["code"], "Subcode": info["subcode"], "Message": info["message"]}

        cancelled = {"code": 400, "subcode": 8508, "message": "The operation was cancelled."}
        yield from (
            state("Establishing"), state("Established"), ("participantsUpdated", self.people(self.number)), tone(1),
            result("playAudio", "p\u00e9 \"1\"", "Completed", OK), tone(2),
            result("playAudio", None, "Completed", cancelled),
            result("inviteParticipantResult", "i1", "Failed", BUSY, Participants=[self.who(self.busy)]),
            result("inviteParticipantResult", None, "Completed", OK, Participants=[self.who(self.guest)]),
            ("participantsUpdated", self.people(self.number, self.guest)), state("Terminating"),
            state("Terminated", Outcome="completed", ResultInfo=pascal(ENDED)))


class Subscriptions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack("subscriptions", **SETTINGS)
        cls.addClassCleanup(cls.stack.down)
        cls.stack.up()
        cls.app = Caller(cls.stack, "564")

    def test_tones_and_people_only_where_asked_for(self):
        app = self.app
        always = {"CallLegStateChanged", "PlayAudioResult", "InviteParticipantResult"}
        for events, more in (((), set()), (("dtmfReceived",), {"DtmfReceived"}),
                             (("participantsUpdated",), {"ParticipantsUpdated"}),
                             (("dtmfReceived", "participantsUpdated"), {"DtmfReceived", "ParticipantsUpdated"})):
            with self.subTest(events):
                call, _ = app.established(1, events=events)
                app.play(call, operationContext="p")
                self.assertTrue(app.hooks.wait_event(call, "PlayAudioResult"))
                app.invite(call, app.number(0), operationContext="i")
                self.assertTrue(app.hooks.wait_event(call, "InviteParticipantResult"))
                app.delete(call)
                self.assertEqual(app.end(call), ("completed", 0, 560000))
                self.assertEqual({p.type for p in app.hooks.of(call)}, always | more)
                # what nobody asked for takes no number either
                self.assertEqual(faults_of_delivery(app.hooks.of(call)), [])

    def test_results_at_another_endpoint(self):
        """Each endpoint has its own in the order of the numbers; the final event goes to the call's."""
        app, other = self.app, self.stack.receiver()
        call, _ = app.established(0)
        for context in ("a", "b"):
            app.play(call, operationContext=context, callbackUri=other.uri("/plays"))
            self.assertTrue(other.wait_event(call, "PlayAudioResult", operationContext=context))
        app.invite(call, [app.number(0), app.number(20)], operationContext="c", callbackUri=other.uri("/invites"))
        self.assertTrue(other.wait_event(call, "InviteParticipantResult", status="completed"))
        self.assertTrue(other.wait_event(call, "InviteParticipantResult", status="failed"))
        app.play(call, operationContext="cut", loop=True, callbackUri=other.uri("/plays"))
        app.delete(call)
        self.assertTrue(app.hooks.wait_end(call))
        self.assertTrue(other.wait_event(call, "PlayAudioResult", operationContext="cut", status="failed"))
        self.assertEqual([p.path for p in other.of(call)], ["/plays"] * 2 + ["/invites"] * 2 + ["/plays"])
        numbers = [p.number for p in other.of(call)]
        self.assertEqual(numbers, sorted(numbers))
        self.assertEqual(faults_of_delivery(sorted(app.hooks.of(call) + other.of(call), key=lambda p: p.number)), [])
        self.assertNotIn("PlayAudioResult", {p.type for p in app.hooks.of(call)})
