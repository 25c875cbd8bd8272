# caller.py - the API in short words, for tests: each call, prompt, invite as one line
import collections

from client import create_body, phone
from receiver import faults_of_delivery

PROMPT = "https://media.example/prompt.wav"
ALL_EVENTS = ("participantsUpdated", "dtmfReceived")


class Caller:
    """`area`: three digits, so that no number of one file is a number of another; none comes twice."""

    def __init__(self, stack, area):
        self.stack, self.area, self.turn = stack, area, 0
        self.client, self.hooks = stack.client(), stack.receiver()

    def number(self, script):
        self.turn += 1
        return f"+1{self.area}{self.turn:05d}{script:02d}"

    def create(self, numbers, path="/cb", events=ALL_EVENTS, **more):
        body = {**create_body(numbers, self.hooks.uri(path), **more), "requestedCallEvents": list(events)}
        answer = self.client.post("/calls", body)
        assert answer.status == 200, answer
        return answer.json["callLegId"]

    def established(self, script=0, **more):
        """The call, and who answered it."""
        number = self.number(script)
        call = self.create(number, **more)
        assert self.hooks.wait_state(call, "established"), self.hooks.story(call)
        return call, number

    # ---- operations: each the answer ----

    def play(self, call, uri=PROMPT, **more):
        return self.client.post(f"/calls/{call}/PlayAudio", {"audioFileUri": uri, **more})

    def cancel(self, call):
        return self.client.post(f"/calls/{call}/CancelMediaProcessing")

    def invite(self, call, numbers, **more):
        numbers = [numbers] if isinstance(numbers, str) else numbers
        return self.client.post(f"/calls/{call}/participants", {"participants": [phone(n) for n in numbers], **more})

    def remove(self, call, participant):
        return self.client.delete(f"/calls/{call}/participants/{participant}")

    def hang_up(self, call):
        return self.client.post(f"/calls/{call}/Hangup")

    def delete(self, call):
        return self.client.delete(f"/calls/{call}")

    def people(self, call):
        """What GET says of who talks: [(rawId, participantId)]."""
        answer = self.client.get(f"/calls/{call}/participants")
        assert answer.status == 200, answer
        return [(p["identifier"]["rawId"], p["participantId"]) for p in answer.json["value"]]

    def participant_of(self, call, number):
        """Also of one that only rings, from GET /calls/{id}."""
        for target in self.client.get(f"/calls/{call}").json["targets"]:
            if target["identifier"]["rawId"].endswith(number):
                return target["participantId"]
        return None

    # ---- events ----

    def result(self, call, kind, context, seconds=15):
        """(status, code, subcode) of the play or invite with that context; None if it does not come."""
        post = self.hooks.wait_event(call, kind, seconds, operationContext=context)
        return post and (post.data["status"], post.data["resultInfo"]["code"], post.data["resultInfo"]["subcode"])

    def end(self, call, seconds=20):
        """(outcome, code, subcode) of the final event; None if it does not come."""
        post = self.hooks.wait_end(call, seconds)
        return post and (post.data["outcome"], post.data["resultInfo"]["code"], post.data["resultInfo"]["subcode"])

    def faults(self, call):
        """What is wrong with what the app of an ended call was told."""
        faults = faults_of_delivery(self.hooks.of(call))
        contexts = collections.Counter((p.type, p.data["operationContext"], str(p.data.get("participants")))
                                       for p in self.hooks.of(call) if p.data.get("operationContext"))
        return faults + [f"{name} came {n} times" for name, n in contexts.items() if n > 1]
