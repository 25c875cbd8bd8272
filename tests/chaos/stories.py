# stories.py - what one app does with one call of the load: drawn from the seed, over the API and nothing else
import time
import uuid

import client as api

PROMPT = "https://media.example/prompt.wav"
# what the phones do, by the last two digits of their number: see worker/sim_phone.c
TARGETS = [0, 0, 0, 1, 2, 3, 10, 10, 11, 20, 21, 22, 23, 30, 30]
INVITED = [0, 0, 0, 0, 0, 1, 1, 10, 20, 21, 21, 22, 23, 30]
ACTS = [("play", 4), ("cancel", 1), ("invite", 6), ("remove", 3), ("hear", 1.5), ("look", 1), ("roster", 2),
        ("empty", 0.2)]
ENDS = [("hangup", 6), ("delete", 2), ("remove_all", 2)]
ANSWER_SECONDS = 1.5  # that an app waits for somebody to answer


class Story:
    def __init__(self, load, n, draw):
        self.load, self.n, self.draw = load, n, draw
        self.call = None
        self.people = []  # identifiers of those it has dialled
        self.turns = 0

    def tell(self):
        draw = self.draw
        if not self.create():
            return
        if draw.random() < 0.1:  # gone before it rings
            self.end()
            return
        if draw.random() < 0.1:  # who can't wait is refused
            self.act()
        if draw.random() < 0.8:
            self.load.receiver.wait_state(self.call, "established", ANSWER_SECONDS)
        else:
            time.sleep(draw.uniform(0.2, 0.7))
        for _ in range(draw.choice((0, 1, 2, 2, 3, 4))):
            self.act()
            time.sleep(draw.uniform(0.02, 0.4))
        if draw.random() < 0.75:
            self.end()

    def ask(self, kind, method, path, body=None, persist=True, **note):
        return self.load.ask({"kind": kind, "call": self.call, **note}, method, f"/calls/{self.call}{path}", body,
                             self.draw, persist)

    def chosen(self, table):
        names, weights = zip(*table)
        getattr(self, self.draw.choices(names, weights)[0])()

    def act(self):
        self.turns += 1
        self.chosen(ACTS)

    def end(self):
        self.chosen(ENDS)

    # ---- whom ----

    def somebody(self, scripts):
        """Nobody else has that number, or that name."""
        number = f"{self.n:04d}{len(self.people):02d}{self.draw.choice(scripts):02d}"
        one = {"communicationUser": {"id": f"8:acs:{number}"}} if self.draw.random() < 0.1 else \
            api.phone(f"+1555{number}")
        self.people.append(one)
        return one

    # ---- the operations ----

    def create(self):
        draw, marker = self.draw, f"chaos-{self.n}"
        uri = self.load.receiver.uri(draw.choice(("/one", "/two", "/flaky")))
        body = api.create_body([], uri, subject=marker)
        body["targets"] = [self.somebody(TARGETS) for _ in range(draw.choices((1, 2, 3), (6, 2, 1))[0])]
        body["requestedCallEvents"] = [w for w in ("dtmfReceived", "participantsUpdated") if draw.random() < 0.6]
        made = self.load.ask({"kind": "create", "marker": marker}, "POST", "/calls", body, draw,
                             persist=draw.random() < 0.8)
        if made["status"] is None or made["status"] >= 300:
            return False
        self.call = made["call"]
        return True

    def play(self, loop=None):
        draw, marker = self.draw, f"play-{self.n}.{self.turns}"
        loop = draw.random() < 0.3 if loop is None else loop
        body = {"audioFileUri": PROMPT, "operationContext": marker, "loop": loop}
        if draw.random() < 0.3:
            body["callbackUri"] = self.load.receiver.uri("/own")
        self.ask("play", "POST", "/PlayAudio", body, marker=marker)

    def cancel(self):
        self.ask("cancel", "POST", "/CancelMediaProcessing")

    def invite(self, scripts=INVITED):
        draw, marker = self.draw, f"invite-{self.n}.{self.turns}"
        whom = [self.somebody(scripts) for _ in range(draw.choices((1, 2, 3), (6, 2, 1))[0])]
        if draw.random() < 0.25:  # who may be in the call already, or was
            known = draw.choice(self.people)
            if known not in whom:
                whom.insert(draw.randrange(len(whom) + 1), known)
        body = {"participants": whom, "operationContext": marker}
        if draw.random() < 0.3:
            body["callbackUri"] = self.load.receiver.uri("/own")
        if draw.random() < 0.3:
            body["alternateCallerId"] = {"value": f"+1556{self.n:04d}{self.turns:02d}"}
        self.ask("invite", "POST", "/participants", body, marker=marker)

    def hear(self):
        """Who comes late hears the prompt; it has no end but this one."""
        self.play(loop=True)
        self.invite((0, 1, 1, 10))
        time.sleep(self.draw.uniform(0.1, 0.5))
        self.cancel()

    def look(self):
        """[participantId, state] of all that were ever in the call."""
        answer = self.ask("get", "GET", "", persist=False)
        return [(t["participantId"], t["state"]) for t in answer.get("targets") or [] if t.get("participantId")]

    def roster(self):
        return self.ask("roster", "GET", "/participants", persist=False).get("roster") or []

    def take_off(self, participant):
        self.ask("remove", "DELETE", f"/participants/{participant}", participant=participant)

    def remove(self):
        draw = self.draw
        known = self.look()
        if not known or draw.random() < 0.1:
            self.take_off(str(uuid.UUID(int=draw.getrandbits(128), version=4)))
            return
        there = [p for p, state in known if state != "ended"]
        self.take_off(draw.choice(there if there and draw.random() < 0.9 else [p for p, _ in known]))

    def remove_all(self):
        """The last one takes the call along."""
        for participant in self.roster():
            self.take_off(participant)

    def hangup(self):
        self.ask("hangup", "POST", "/Hangup")
        if self.draw.random() < 0.35:  # if others talk on: not they either
            time.sleep(self.draw.uniform(0, 0.5))
            self.delete()

    def delete(self):
        self.ask("delete", "DELETE", "")

    def empty(self):
        """A command without what it is about."""
        self.load.add_poison("empty", self.call, self.draw.choice(("play", "invite", "remove")))
