# receiver.py - the app's side of webhooks: takes every POST down, checks its signature, answers as it was told to
import base64
import collections
import hashlib
import hmac
import http.server
import json
import re
import threading
import time

Post = collections.namedtuple("Post", "path call number id body event type data status signed mono utc headers")


# where each form of the envelope says what
FORMS = {
    "cloudevents": {"type": "type", "call": "callLegId", "there": ("source", "time"), "fixed": {"specversion": "1.0"}},
    "eventgrid": {"type": "eventType", "call": "CallLegId", "there": ("subject", "eventTime"), "fixed": {"topic": None}},
}


def secret_bytes(secret):
    return base64.b64decode(secret.split("_", 1)[1])


def is_signed(secret, headers, body):
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode()
    fresh = abs(time.time() - int(headers["webhook-timestamp"])) < 300
    return fresh and wanted in headers["webhook-signature"].split(" ")


def read_post(secret, envelope, path, headers, body, status, mono, utc):
    """The Post, answered with `status`; ValueError, KeyError: it is none.  `headers`: a mapping that takes lower case."""
    form = FORMS[envelope]
    events = json.loads(body)
    if len(events) != 1 or not headers["content-type"].startswith("application/json"):
        raise ValueError("not a JSON array with one event")
    event = events[0]
    call, number = re.fullmatch(r"([A-Za-z0-9_-]{32})-([1-9][0-9]*)", headers["webhook-id"]).groups()
    if event["id"] != headers["webhook-id"] or not all(event[name] for name in form["there"]):
        raise ValueError("the envelope is not what was promised")
    if any(event[name] != value for name, value in form["fixed"].items()):
        raise ValueError("the envelope is not what was promised")
    if event["data"][form["call"]] != call:
        raise ValueError("the event is not about the call that its id names")
    if not is_signed(secret, headers, body):
        raise ValueError("the signature does not fit")
    kind = event[form["type"]].split(".")[-1]
    return Post(path, call, int(number), event["id"], body, event, kind, event["data"], status, True, mono, utc,
                dict(headers))


def word_of(post):
    """One short word for an event: "established", "tone1", "play:completed", "invite:failed", "people:2"."""
    if post.type == "CallLegStateChanged":
        return post.data["callState"]
    if post.type == "DtmfReceived":
        return post.data["toneInfo"]["tone"]
    if post.type == "ParticipantsUpdated":
        return f"people:{len(post.data['participants'])}"
    name = {"PlayAudioResult": "play", "InviteParticipantResult": "invite"}[post.type]
    return f"{name}:{post.data['status']}"


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        pass  # a client that was killed in the middle of a POST is what these tests are about


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        mono, utc = time.monotonic(), time.time()
        status, headers, delay = self.server.receiver.take(self.path, self.headers, body, mono, utc)
        if delay:
            time.sleep(delay)
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format, *args):
        pass


class Receiver:
    def __init__(self, secret, host="127.0.0.1", envelope="cloudevents"):
        self.secret = secret_bytes(secret)
        self.envelope = envelope
        self.changed = threading.Condition()
        self.posts = []
        self.by_call = collections.defaultdict(list)
        self.scripts = {}
        self.first_tries = {}  # path: ids seen
        self.on_post = None  # called with each Post, on the handler's thread
        self.faults = []
        self.server = Listener((host, 0), Handler)
        self.server.receiver = self
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)

    def uri(self, path="/cb", host="127.0.0.1"):
        return f"http://{host}:{self.port}{path}"

    def script(self, path, *steps):
        """Each POST to `path` takes the next step, the last one stays: status, or (status, headers, delay)."""
        self.scripts[path] = [s if isinstance(s, tuple) else (s, {}, 0) for s in steps]

    def step_for(self, path, webhook_id):
        path = path.split("?")[0]
        if path in self.first_tries:  # every event is refused once
            seen = self.first_tries[path]
            if webhook_id in seen:
                return 200, {}, 0
            seen.add(webhook_id)
            return 500, {}, 0
        steps = self.scripts.get(path, [(200, {}, 0)])
        return steps.pop(0) if len(steps) > 1 else steps[0]

    def take(self, path, headers, body, mono, utc):
        with self.changed:
            step = self.step_for(path, headers["webhook-id"])
            try:
                post = read_post(self.secret, self.envelope, path, headers, body, step[0], mono, utc)
            except (ValueError, KeyError, TypeError, AttributeError) as fault:
                self.faults.append(f"{path}: {fault!r}: {body[:300]!r}")
                return 400, {}, 0
            self.posts.append(post)
            self.by_call[post.call].append(post)
            self.changed.notify_all()
        if self.on_post and 200 <= step[0] < 300:
            self.on_post(post)
        return step

    # ---- questions ----

    def of(self, call):
        with self.changed:
            return list(self.by_call.get(call, []))

    def wait(self, done, seconds):
        """True once done() is; it is asked again at every POST."""
        limit = time.monotonic() + seconds
        with self.changed:
            while not done():
                left = limit - time.monotonic()
                if left <= 0:
                    return False
                self.changed.wait(min(left, 0.5))
        return True

    def wait_event(self, call, kind, seconds=10, **data):
        """The first delivered event of that type and data; None if it does not come."""
        found = []

        def look():
            found[:] = [p for p in self.by_call.get(call, []) if p.type == kind and p.status < 300
                        and all(p.data.get(k) == v for k, v in data.items())]
            return found

        return found[0] if self.wait(look, seconds) else None

    def wait_state(self, call, state, seconds=10):
        return self.wait_event(call, "CallLegStateChanged", seconds, callState=state)

    def wait_end(self, call, seconds=20):
        return self.wait_state(call, "terminated", seconds)

    def story(self, call):
        """The words of the events delivered, in order."""
        return [word_of(p) for p in self.of(call) if p.status < 300]


def faults_of_delivery(posts):
    """
    What is wrong with the POSTs of one call and endpoint: numbers that begin
    elsewhere than at 1 or leave a gap, a later one that came before an earlier
    one, one id with two bodies, something after the final event.
    """
    faults, bodies, highest = [], {}, 0
    final = None
    for p in posts:
        if bodies.setdefault(p.id, p.body) != p.body:
            faults.append(f"{p.id} came with two bodies")
        if p.number > highest + 1:
            faults.append(f"number {p.number} after {highest}")
        if final is not None and p.number > final:
            faults.append(f"number {p.number} after the final event {final}")
        if p.data.get("callState") == "terminated":
            if final not in (None, p.number):
                faults.append(f"two final events: {final}, {p.number}")
            final = p.number
        highest = max(highest, p.number)
    if final is None:
        faults.append("no final event")
    elif final != highest:
        faults.append(f"the final event {final} is not the last, {highest}")
    return faults
