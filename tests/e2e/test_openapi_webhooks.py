# test_openapi_webhooks.py - the document's webhooks: all that comes in a run of calls fits, in both envelopes
import collections
import unittest

from client import NOBODY, create_body, phone
from document import Document
from harness import QUICK, Stack

EVERYBODYS = {"host", "user-agent", "accept", "content-type", "content-length"}


Form = collections.namedtuple("Form", "envelope schema word")
CAMEL = Form("cloudevents", "CloudEvents", lambda text: text)
PASCAL = Form("eventgrid", "EventGridEvents", lambda text: text[0].upper() + text[1:])


class Run:
    """A stack, and the calls that make every event there is."""

    def __init__(self, form):
        self.form = form
        self.stack = Stack(f"hooks-{form.envelope}", **QUICK, WORKERS="1", CALLCAST_RING_TIMEOUT="1s",
                           CALLCAST_CALLBACKS_ENVELOPE=form.envelope)

    def up(self):
        self.stack.up()
        self.client, self.hooks = self.stack.client(), self.stack.receiver()
        return self

    def create(self, numbers, **more):
        body = create_body(numbers, self.hooks.uri(), requestedCallEvents=["dtmfReceived", "participantsUpdated"], **more)
        answer = self.client.post("/calling/calls", body)
        assert answer.status == 200, answer
        return answer.json["callLegId"]

    def wait(self, call, kind, **data):
        word = self.form.word
        data = {word(k): word(v) if k in ("callState", "status") else v for k, v in data.items()}
        found = self.hooks.wait_event(call, kind, 15, **data)
        assert found, f"no {kind} {data}: {[(p.type, p.data) for p in self.hooks.of(call)]}"
        return found

    def state(self, call, state):
        return self.wait(call, "CallLegStateChanged", callState=state)

    def post(self, call, word, body=None):
        answer = self.client.post(f"/calls/{call}/{word}", body, headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
        assert answer.status == 202, answer

    def play(self, call, name, **more):
        self.post(call, "PlayAudio", {"audioFileUri": f"http://media.example/{name}.wav", **more})

    def all_events(self):
        others = [self.create(f"+155582000{script}") for script in (20, 21, 21, 22, 23, 24, 25, 30)]
        self.client.delete(f"/calls/{others[1]}")
        digits = self.create("+15558200111")
        self.state(digits, "established")
        self.play(digits, "a", operationContext="digits")
        self.wait(digits, "PlayAudioResult", operationContext="digits")
        call = self.create("+15558200200", operationContext="c")
        self.state(call, "established")
        self.play(call, "missing", operationContext="missing")
        self.play(call, "bad")
        self.wait(call, "PlayAudioResult", operationContext="missing")
        self.play(call, "long", loop=True, operationContext="long")
        self.post(call, "CancelMediaProcessing")
        self.wait(call, "PlayAudioResult", operationContext="long")
        self.invite(call)
        self.client.delete(f"/calls/{call}")
        self.client.delete(f"/calls/{digits}")
        for one in others + [call, digits]:
            self.state(one, "terminated")

    def invite(self, call):
        for number, status in (("+15558200300", "completed"), ("+15558200320", "failed")):
            self.post(call, "participants", {"participants": [phone(number)], "operationContext": number})
            self.wait(call, "InviteParticipantResult", operationContext=number, status=status)
        self.post(call, "participants", {"participants": [{"communicationUser": {"id": "8:acs:anna00"}}, {"rawId": "desk-00"}]})
        roster = []

        def two_more():
            roster[:] = self.client.get(f"/calls/{call}/participants").json["value"]
            return len(roster) == 4
        assert self.hooks.wait(two_more, 10), roster
        for one in roster[2:]:
            answer = self.client.delete(f"/calls/{call}/participants/{one['participantId']}")
            assert answer.status == 202, answer

        def gone():
            return len(self.client.get(f"/calls/{call}/participants").json["value"]) == 2
        assert self.hooks.wait(gone, 10)


class Webhooks(unittest.TestCase):
    maxDiff = None

    def run_of(self, form):
        run = Run(form)
        self.addCleanup(run.stack.down)
        run.up()
        run.all_events()
        return run, Document(run.client.get("/openapi.json", scheme=NOBODY).json)

    def check(self, form):
        run, document = self.run_of(form)
        self.assertEqual(run.hooks.faults, [])
        for post in run.hooks.posts:
            with self.subTest(post.type):
                schema = {"$ref": f"#/components/schemas/{form.schema}"}
                self.assertEqual(document.faults(schema, [post.event], strict=True), [], post.body)
                self.assertEqual(self.header_faults(document, post.headers), [])
        self.everything_came(document, form, run.hooks.posts)

    def header_faults(self, document, headers):
        headers = {n.lower(): v for n, v in headers.items()}
        spec = document.resolve(document.text["webhooks"]["event"])["post"]
        known = {p["name"]: p for p in spec["parameters"]}
        faults = [f"{n}: {f}" for n, p in known.items() if n in headers for f in document.faults(p["schema"], headers[n])]
        faults += [f"{n}: missing" for n, p in known.items() if p.get("required") and n not in headers]
        return faults + [f"{n}: not in the document" for n in headers if n not in EVERYBODYS | set(known)]

    def everything_came(self, document, form, posts):
        """Each type, and each word of those that say how something goes: none is only written there."""
        word = form.word
        refs = document.text["components"]["schemas"][form.schema]["items"]["oneOf"]
        name = "EventGrid" if form.schema == "EventGridEvents" else ""
        self.assertEqual({name + p.type for p in posts}, {r["$ref"].split("/")[-1] for r in refs})
        for kind, field in (("CallLegStateChanged", "callState"), ("PlayAudioResult", "status"), ("InviteParticipantResult", "status")):
            data = document.text["components"]["schemas"][name + kind]["properties"]["data"]
            rules = [part["properties"][word(field)] for part in data.get("oneOf", [data])]
            words = {w for rule in rules for w in rule.get("enum", [rule.get("const")])}
            self.assertEqual({p.data[word(field)] for p in posts if p.type == kind}, words, kind)
        people = {i[word("identifier")][word("rawId")]
                  for p in posts if p.type == "ParticipantsUpdated" for i in p.data[word("participants")]}
        self.assertLessEqual({"4:+15558200111", "4:+15558200200", "4:+15558200300", "8:acs:anna00", "desk-00"}, people)
        outcomes = {p.data[word("outcome")] for p in posts if word("outcome") in p.data}
        self.assertLessEqual({"completed", "busy", "cancelled", "noAnswer", "declined", "noSuchNumber", "network", "unreachable"}, outcomes)

    def test_cloudevents(self):
        self.check(CAMEL)

    def test_eventgrid(self):
        self.check(PASCAL)
