# load.py - what apps do meanwhile: many stories at once (stories.py); every try of every request is written down
import concurrent.futures
import email.utils
import http.client
import random
import threading
import time
import uuid

import client as api
from fleet import PARTITIONS
from stories import Story

STORIES_AT_ONCE = 60
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
            Story(self, n, random.Random(f"{self.seed} story {n}")).tell()
        except Exception as fault:  # pylint: disable=broad-except
            with self.lock:
                self.faults.append(f"story {n}: {fault!r}")

    def send_poison(self, draw):
        kind, partition = draw.randrange(5), draw.randrange(PARTITIONS)
        words = ["bytes", str(partition), str(kind)] if kind < 4 else \
            ["create", str(partition), "default", self.receiver.uri("/misfit")]
        self.add_poison(*words)

    def add_poison(self, *words):
        entry = self.fleet.poison(*words)
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
                if note["kind"] == "get":
                    entry["targets"] = answer.json.get("targets")
                if note["kind"] == "roster":
                    entry["roster"] = [p["participantId"] for p in answer.json.get("value") or []]
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
