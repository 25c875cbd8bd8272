# load.py - what apps do meanwhile: calls of all kinds, repeated where no answer came; every try is written down
import concurrent.futures
import email.utils
import http.client
import random
import threading
import time
import uuid

import client as api
from fleet import PARTITIONS

PROMPT = "https://media.example/prompt.wav"
SCRIPTS = [0, 0, 0, 1, 2, 3, 10, 10, 11, 20, 21, 22, 23, 30, 30]
STORIES_AT_ONCE = 40
PERSIST_SECONDS = 25
POISON_RATE = 0.03  # of the stories


class Load:
    """`rate` calls a second for `seconds`, each a story of its own, drawn from the seed."""

    def __init__(self, seed, fleet, receiver, seconds, rate):
        self.seed, self.fleet, self.receiver = seed, fleet, receiver
        self.seconds, self.rate = seconds, rate
        self.requests = []
        self.poison = []  # commands that can't be carried out; "acknowledged": by Kafka
        self.faults = []  # of the harness itself
        self.lock = threading.Lock()
        self.giving_up = threading.Event()
        self.clients = {n: api.Client(endpoint, fleet.access_key, fleet.bearer, timeout=12)
                        for n, endpoint in fleet.endpoints.items()}
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()

    def over(self):
        return not self.thread.is_alive()

    def stop(self):
        self.giving_up.set()
        self.thread.join(40)

    def run(self):
        began = time.monotonic()
        count = int(self.seconds * self.rate)
        with concurrent.futures.ThreadPoolExecutor(STORIES_AT_ONCE) as pool:
            for n in range(count):
                wait = began + n / self.rate - time.monotonic()
                if wait > 0:
                    time.sleep(wait)
                if self.giving_up.is_set():
                    return
                pool.submit(self.guarded, n)

    def guarded(self, n):
        try:
            draw = random.Random(f"{self.seed} poison {n}")
            if draw.random() < POISON_RATE:
                self.send_poison(draw)
            self.story(n, random.Random(f"{self.seed} story {n}"))
        except Exception as fault:  # pylint: disable=broad-except
            with self.lock:
                self.faults.append(f"story {n}: {fault!r}")

    def send_poison(self, draw):
        kind, partition = draw.randrange(5), draw.randrange(PARTITIONS)
        words = ["bytes", str(partition), str(kind)] if kind < 4 else \
            ["create", str(partition), "default", self.receiver.uri("/misfit")]
        entry = self.fleet.poison(*words)
        if entry:
            with self.lock:
                self.poison.append(entry)

    # ---- one request ----

    def once(self, note, method, path, body, name, draw):
        producer = draw.choice((1, 2))
        entry = {**note, "producer": producer, "request": name["Repeatability-Request-ID"], "sent": time.time(),
                 "received": None, "status": None, "code": None}
        try:
            answer = self.clients[producer].request(method, path, body, headers=name)
            entry.update(received=time.time(), status=answer.status)
            if isinstance(answer.json, dict):
                entry["code"] = answer.json.get("code")
                entry["operation"] = answer.json.get("id")
                entry["call"] = entry.get("call") or answer.json.get("callLegId")
                entry["state"] = answer.json.get("callState") or answer.json.get("state")
        except (OSError, http.client.HTTPException) as fault:
            entry["fault"] = type(fault).__name__
        with self.lock:
            self.requests.append(entry)
        return entry

    def ask(self, note, method, path, body, draw, persist=True):
        """A careful app's way: the same request under the same name until it is answered for good."""
        name = {"Repeatability-Request-ID": str(uuid.UUID(int=draw.getrandbits(128), version=4)),
                "Repeatability-First-Sent": email.utils.formatdate(usegmt=True)}
        limit = time.monotonic() + PERSIST_SECONDS
        while True:
            entry = self.once(note, method, path, body, name, draw)
            final = entry["status"] is not None and entry["status"] < 500 and entry["status"] != 429
            if final and draw.random() < 0.08:  # a careless one's: once more
                self.once(note, method, path, body, name, draw)
            if final or not persist or time.monotonic() > limit or self.giving_up.is_set():
                return entry
            time.sleep(0.15)

    # ---- one call ----

    def number(self, n, target, draw):
        return f"+1555{n:04d}{target}{draw.choice(SCRIPTS):02d}"

    def story(self, n, draw):
        targets = draw.choices((1, 2, 3), (8, 1, 1))[0]
        uri = self.receiver.uri(draw.choice(("/one", "/two", "/flaky")))
        body = api.create_body([self.number(n, t, draw) for t in range(targets)], uri, subject=f"chaos-{n}")
        made = self.ask({"kind": "create", "marker": f"chaos-{n}"}, "POST", "/calls", body, draw,
                        persist=draw.random() < 0.8)
        if made["status"] is None or made["status"] >= 300:
            return
        call = made["call"]
        if draw.random() < 0.1:  # gone before it rings
            self.finish(call, draw)
            return
        time.sleep(draw.uniform(0.2, 0.7))
        for turn in range(draw.choice((0, 1, 1, 2))):
            self.play(call, f"{n}.{turn}", draw)
            time.sleep(draw.uniform(0.05, 0.5))
            if draw.random() < 0.3:
                self.ask({"kind": "cancel", "call": call}, "POST", f"/calls/{call}/CancelMediaProcessing", None, draw)
        if draw.random() < 0.2:
            self.ask({"kind": "get", "call": call}, "GET", f"/calls/{call}", None, draw, persist=False)
        if draw.random() < 0.7:
            self.finish(call, draw)

    def play(self, call, turn, draw):
        body = {"audioFileUri": PROMPT, "operationContext": f"play-{turn}", "loop": draw.random() < 0.3}
        if draw.random() < 0.3:
            body["callbackUri"] = self.receiver.uri("/own")
        self.ask({"kind": "play", "call": call, "marker": f"play-{turn}"}, "POST", f"/calls/{call}/PlayAudio", body,
                 draw)

    def finish(self, call, draw):
        if draw.random() < 0.3:
            self.ask({"kind": "delete", "call": call}, "DELETE", f"/calls/{call}", None, draw)
        else:
            self.ask({"kind": "hangup", "call": call}, "POST", f"/calls/{call}/Hangup", None, draw)
