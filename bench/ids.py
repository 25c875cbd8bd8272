"""How long the answer 404 takes: for an id that was never issued, and for one that is another tenant's.

usage: ids.py REQUESTS      of each kind; environment: CALLCAST_ENDPOINT, CALLCAST_BEARER, NEIGHBOUR_BEARER

One connection, one request at a time; in each round one of each kind, in random order.  Fails
where the medians differ by more than 1 % and the difference is more than chance.
"""
import base64
import gc
import json
import os
import random
import socket
import statistics
import sys
import time
import urllib.parse

IDS = 1000  # of each kind, so that all are alike to the caches
BLOCKS = 100
NEVER, OTHERS, NEVER_TOO, NO_ID = KINDS = ("never issued", "another tenant's", "never issued too", "no id")
CREATE = {"targets": [{"phoneNumber": {"value": "+15550000022"}}], "callbackUri": "http://127.0.0.1:9/",
          "source": {"phoneNumber": {"value": "+15555550100"}}}


class Client:
    def __init__(self, endpoint, bearer):
        url = urllib.parse.urlsplit(endpoint)
        self.host, self.bearer = url.netloc, bearer
        self.socket = socket.create_connection((url.hostname, url.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self, method, target, body=None):
        text = json.dumps(body) if body else ""
        return (f"{method} {target} HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: Bearer {self.bearer}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}").encode()

    def ask(self, request):
        self.socket.sendall(request)
        answer = self.socket.recv(16384)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        while len(body) < length:
            body += self.socket.recv(16384)
        return head, body

    def json(self, method, target, body=None):
        head, text = self.ask(self.request(method, target, body))
        return int(head.split()[1]), json.loads(text) if text else None


def until(what, fn, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = fn()
        if got:
            return got
        time.sleep(0.05)
    sys.exit(f"ids.py: {what}: not in {seconds} s")


def neighbours_calls(client):
    """Calls that were made, and are over when the measuring begins; Redis knows them."""
    until("the neighbour is let in", lambda: client.json("GET", "/calls/x")[0] == 404)
    ids = []
    for _ in range(IDS):
        status, answer = client.json("POST", "/calls", CREATE)
        if status != 200:
            sys.exit(f"ids.py: a create was answered {status} {answer}")
        ids.append(answer["callLegId"])
    for call in ids:
        until("a call's end", lambda call=call: client.json("GET", f"/calls/{call}")[1]["callState"] == "terminated")
    return ids


def never_issued(like):
    """Version, server key, partition and time of a real one, and bytes that nobody made."""
    made = base64.urlsafe_b64decode(like)[:7] + os.urandom(17)
    return base64.urlsafe_b64encode(made).decode()


def measure(client, requests, count):
    took = {kind: [] for kind in requests}
    said = set()
    order = list(requests)
    clock, send, recv = time.perf_counter_ns, client.socket.sendall, client.socket.recv
    gc.disable()
    for i in range(count):
        random.shuffle(order)
        for kind in order:
            request = requests[kind][i % IDS]
            before = clock()
            send(request)
            answer = recv(16384)
            took[kind].append(clock() - before)
            if i < IDS:
                said.add(tuple(line for line in answer.split(b"\r\n") if not line.startswith(b"Date:")))
    if len(said) != 1 or not next(iter(said))[0].startswith(b"HTTP/1.1 404 "):
        sys.exit(f"ids.py: not one answer for all: {said}")
    return took


def show(took):
    print(f"{'':>18}  {'median':>8}  {'25 %':>8}  {'75 %':>8}  {'99 %':>8}  median of each tenth")
    for kind, values in took.items():
        quarter, median, three, tenth = (statistics.quantiles(values, n=100)[i] / 1000 for i in (24, 49, 74, 98))
        tenths = [statistics.median(values[i::10]) / 1000 for i in range(10)]
        print(f"{kind:>18}  {median:8.2f}  {quarter:8.2f}  {three:8.2f}  {tenth:8.2f}"
              f"  {min(tenths):.2f} to {max(tenths):.2f}")


def difference(took, kind, base):
    """Of the medians of blocks that were measured at the same time: their mean, and twice its standard error."""
    size = len(took[base]) // BLOCKS
    each = [statistics.median(took[kind][i:i + size]) - statistics.median(took[base][i:i + size])
            for i in range(0, size * BLOCKS, size)]
    return statistics.mean(each) / 1000, 2 * statistics.stdev(each) / BLOCKS ** 0.5 / 1000


def main():
    count = int(sys.argv[1])
    endpoint = os.environ["CALLCAST_ENDPOINT"]
    others = neighbours_calls(Client(endpoint, os.environ["NEIGHBOUR_BEARER"]))
    me = Client(endpoint, os.environ["CALLCAST_BEARER"])
    ids = {NEVER: [never_issued(i) for i in others], OTHERS: others, NEVER_TOO: [never_issued(i) for i in others],
           NO_ID: ["." * 32] * IDS}
    requests = {kind: [me.request("GET", f"/calls/{i}") for i in ids[kind]] for kind in KINDS}
    measure(me, requests, IDS)  # warm
    took = measure(me, requests, count)
    print(f"{count} requests of each kind, interleaved on one connection; us until the answer 404 is read")
    show(took)
    for kind in KINDS[1:]:
        print(f"{kind:>18} less {NEVER}: %+.3f us +- %.3f" % difference(took, kind, NEVER))
    mean, error = difference(took, OTHERS, NEVER)
    if abs(mean) > error and abs(mean) > 0.01 * statistics.median(took[NEVER]) / 1000:
        sys.exit("ids.py: the answer's time tells whose an id is")


if __name__ == "__main__":
    main()
