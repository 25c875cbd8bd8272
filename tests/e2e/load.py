# load.py - many calls of all kinds at a steady rate, as an app makes them, and what must be true of them afterwards
import collections
import concurrent.futures
import random
import threading
import time

from client import create_body
from receiver import faults_of_delivery

# what the app does with a call, for which phone, and how the call ends if nothing is killed
Plan = collections.namedtuple("Plan", "name script acts outcomes weight")
PLANS = [
    Plan("prompt", 1, {"established": "play", "played": "hangup"}, {"completed"}, 30),
    Plan("digits", 11, {"established": "play", "played": "hangup"}, {"completed"}, 5),
    Plan("hangup", 0, {"established": "hangup"}, {"completed"}, 15),
    Plan("delete", 0, {"established": "delete"}, {"completed"}, 5),
    # where nobody is there to hear of the hang-up, the ring timeout comes first
    Plan("ringing", 21, {"establishing": "hangup"}, {"cancelled", "noAnswer"}, 10),
    Plan("unheard", 21, {}, {"noAnswer"}, 5),
    Plan("talk", 10, {}, {"completed"}, 10),
    Plan("busy", 20, {}, {"busy"}, 8),
    Plan("declined", 22, {}, {"declined"}, 4),
    Plan("wrong", 23, {}, {"noSuchNumber"}, 4),
    Plan("broken", 24, {}, {"network"}, 2),
    Plan("short", 30, {}, {"completed"}, 2),
]


class Call:
    def __init__(self, index, number, plan):
        self.index, self.number, self.plan = index, number, plan
        self.id = None       # once the create was answered with 2xx
        self.refused = None  # what it was answered else
        self.done = set()    # acts begun
        self.ended = False


class Load:
    """`area`: three digits, so that no number of one load is a number of another."""

    def __init__(self, client, hooks, area, rate, seed):
        self.client, self.hooks, self.area, self.rate = client, hooks, area, rate
        self.random = random.Random(seed)
        self.calls = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.makers = concurrent.futures.ThreadPoolExecutor(16)
        self.actors = concurrent.futures.ThreadPoolExecutor(24)
        self.path = f"/load-{area}/"
        self.began = 0
        hooks.on_post = self.on_post

    # ---- the app ----

    def start(self):
        self.began = time.monotonic()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def run(self):
        while not self.stopping.is_set():
            due = self.began + len(self.calls) / self.rate
            wait = due - time.monotonic()
            if wait > 0 and self.stopping.wait(wait):
                break
            plan = self.random.choices(PLANS, [p.weight for p in PLANS])[0]
            index = len(self.calls)
            call = Call(index, f"+1{self.area}{index:07d}{plan.script:02d}", plan)
            self.calls.append(call)
            self.makers.submit(self.make, call)

    def make(self, call):
        body = create_body(call.number, self.hooks.uri(f"{self.path}{call.index}"))
        answer = self.client.persist("POST", "/calls", body, 40)
        if answer and answer.status < 300:
            call.id = answer.json["callLegId"]
        else:
            call.refused = answer

    def on_post(self, post):
        if not post.path.startswith(self.path):
            return
        call = self.calls[int(post.path[len(self.path):])]
        word = post.data.get("callState") or ("played" if post.type == "PlayAudioResult" else None)
        if word == "terminated":
            call.ended = True
        act = call.plan.acts.get(word)
        with self.lock:
            if not act or call.ended or act in call.done:
                return
            call.done.add(act)
        self.actors.submit(self.act, post.call, act)

    def act(self, call_id, act):
        if act == "play":
            self.client.persist("POST", f"/calls/{call_id}/PlayAudio",
                                {"audioFileUri": "https://media.example/prompt.wav", "operationContext": call_id})
        elif act == "hangup":
            self.client.persist("POST", f"/calls/{call_id}/Hangup")
        else:
            self.client.persist("DELETE", f"/calls/{call_id}")

    # ---- the end ----

    def stop(self, seconds=60):
        """No more calls; waits until all have ended.  True if they have."""
        self.stopping.set()
        self.thread.join()
        self.makers.shutdown()
        good = self.hooks.wait(lambda: all(c.ended for c in self.calls if c.id), seconds)
        time.sleep(0.5)  # what comes after the last event must not come
        self.actors.shutdown()
        self.hooks.on_post = None
        return good

    def faults(self, dials):
        """Every way in which the promises were broken, as text.  `dials`: the simulated phones' ledger."""
        faults = list(self.hooks.faults)
        by_number = collections.Counter(number for _, number, _ in dials)
        by_id = collections.Counter(dial_id for dial_id, _, _ in dials)
        faults += [f"dialled {n} times: {i}" for i, n in by_id.items() if n > 1]
        for call in self.calls:
            faults += [f"call {call.index} ({call.plan.name}, {call.id}): {fault}"
                       for fault in self.faults_of(call, by_number[call.number])]
        return faults

    def faults_of(self, call, dialled):
        if not call.id:
            return [f"not accepted: {call.refused}"]
        posts = [p for p in self.hooks.of(call.id) if p.status < 300]
        faults = faults_of_delivery(posts)
        if dialled > 1:
            faults.append(f"its number was dialled {dialled} times")
        if faults:
            return faults
        outcome = posts[-1].data.get("outcome") or [p for p in posts if p.data.get("outcome")][-1].data["outcome"]
        if not dialled and outcome not in ("unknown", "cancelled"):
            faults.append(f"was not dialled, yet ended as {outcome}")
        if outcome != "unknown" and outcome not in call.plan.outcomes:
            faults.append(f"ended as {outcome}")
        tones = len({p.id for p in posts if p.type == "DtmfReceived"})
        if tones > {"prompt": 1, "digits": 5}.get(call.plan.name, 0):
            faults.append(f"{tones} tones")
        if len({p.id for p in posts if p.type == "PlayAudioResult"}) > 1:
            faults.append("one prompt, more than one result")
        return faults

    def summary(self, dials):
        numbers = {number for _, number, _ in dials}
        outcomes = collections.Counter()
        for call in self.calls:
            ends = {p.id: p.data["outcome"] for p in self.hooks.of(call.id) if p.data.get("outcome")}
            outcomes.update(ends.values() or ["none"])
        posts = [p for p in self.hooks.posts if p.path.startswith(self.path)]
        seconds = (posts[-1].mono - self.began) if posts else 0
        return (f"{len(self.calls)} calls at {self.rate}/s, {sum(c.number not in numbers for c in self.calls)} "
                f"undialled, {len(posts)} webhooks ({len(posts) - len({p.id for p in posts})} more than once), "
                f"{seconds:.0f} s; outcomes: " + ", ".join(f"{o} {n}" for o, n in outcomes.most_common()))
