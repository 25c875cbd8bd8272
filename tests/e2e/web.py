# web.py - HTTP on one asyncio loop, for programs that hold thousands of calls: requests out, webhooks in
import asyncio
import collections
import json
import time

from client import X_MS_DATE
from receiver import read_post, secret_bytes

Reply = collections.namedtuple("Reply", "status body json")
HEAD_END = b"\r\n\r\n"


class Reader(asyncio.Protocol):
    """Cuts what comes into messages: message(first line, headers in lower case, body)."""

    def __init__(self):
        self.held = b""
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.held += data
        while True:
            end = self.held.find(HEAD_END)
            if end < 0:
                return
            first, *lines = self.held[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            whole = end + len(HEAD_END) + int(headers.get("content-length", 0))
            if len(self.held) < whole:
                return
            body, self.held = self.held[end + len(HEAD_END):whole], self.held[whole:]
            self.message(first, headers, body)


class Line(Reader):
    """One connection to the API, one request at a time."""

    def __init__(self, web):
        super().__init__()
        self.web, self.waiter = web, None

    def message(self, first, headers, body):
        status = int(first.split(" ")[1])
        parsed = json.loads(body) if body and "json" in headers.get("content-type", "") else None
        waiter, self.waiter = self.waiter, None
        if headers.get("connection", "").lower() == "close":
            self.transport.close()
        else:
            self.web.free.append(self)
        if not waiter.done():
            waiter.set_result(Reply(status, body, parsed))

    def connection_lost(self, fault):
        if self in self.web.free:
            self.web.free.remove(self)
        if self.waiter and not self.waiter.done():
            self.waiter.set_exception(ConnectionResetError("the connection ended before the answer"))


class Web:
    """Requests of one client (client.py: address and signatures), over at most so many connections."""

    def __init__(self, client, connections=64, timeout=15):
        self.client, self.timeout = client, timeout
        self.host, port = client.address.rsplit(":", 1)
        self.port = int(port)
        self.free = []
        self.turns = asyncio.Semaphore(connections)

    async def request(self, method, target, body=None, headers=None):
        """OSError, TimeoutError: no answer came."""
        raw = b"" if body is None else json.dumps(body).encode()
        lines = {"Host": self.client.address, "Content-Length": str(len(raw)),
                 **self.client.signed(method, target, raw, X_MS_DATE, 0), **(headers or {})}
        if raw:
            lines["Content-Type"] = "application/json"
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items())
        async with self.turns:
            line = await self.line()
            line.waiter = asyncio.get_running_loop().create_future()
            line.transport.write(head.encode() + b"\r\n" + raw)
            try:
                return await asyncio.wait_for(line.waiter, self.timeout)
            except asyncio.TimeoutError:
                line.transport.close()
                raise

    async def line(self):
        while self.free:
            line = self.free.pop()
            if not line.transport.is_closing():
                return line
        return (await asyncio.get_running_loop().create_connection(lambda: Line(self), self.host, self.port))[1]

    def close(self):
        for line in list(self.free):
            line.transport.close()


class Hook(Reader):
    """One connection of the notifier's: each POST is answered, then handed on."""

    def __init__(self, hooks):
        super().__init__()
        self.hooks = hooks

    def message(self, first, headers, body):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        self.hooks.take(first.split(" ")[1], headers, body)


class Hooks:
    """
    The app's side of webhooks on a port of its own.  posts: by call, in the
    order in which they came; on_post is called with each, once.

    The loop takes what has come in the order of sockets, not of time.  So a
    post is handed on two turns later: by then all answers that came before it
    have reached who asked.
    """

    def __init__(self, secret, on_post, envelope="cloudevents", keep=None):
        self.secret, self.envelope, self.on_post = secret_bytes(secret), envelope, on_post
        self.keep = keep or (lambda post: post)  # what is kept of a post
        self.posts = collections.defaultdict(list)
        self.faults = []
        self.server = None
        self.port = 0

    async def open(self):
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: Hook(self), "127.0.0.1", 0, backlog=1024)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def close(self):
        self.server.close()

    def uri(self, path="/cb"):
        return f"http://127.0.0.1:{self.port}{path}"

    def take(self, path, headers, body):
        try:
            post = read_post(self.secret, self.envelope, path, headers, body, 200, time.monotonic(), time.time())
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            self.faults.append(f"{path}: {fault!r}: {body[:300]!r}")
            return
        self.posts[post.call].append(self.keep(post))
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, self.on_post, post)
