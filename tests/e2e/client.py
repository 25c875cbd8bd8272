# client.py - a program that uses the API: signs its requests, keeps its connections, repeats what was not answered
import base64
import collections
import email.utils
import hashlib
import hmac
import http.client
import json
import threading
import time
import urllib.parse
import uuid

Answer = collections.namedtuple("Answer", "status headers body json sent received sent_utc")

X_MS_DATE = "x-ms-date;host;x-ms-content-sha256"
DATE = "date;host;x-ms-content-sha256"
BEARER = "bearer"
NOBODY = "nobody"  # no Authorization at all
IDLE_SECONDS = 3


class Client:
    """One endpoint, one tenant.  Each thread has a connection of its own."""

    def __init__(self, endpoint, access_key=None, bearer=None, timeout=15):
        self.address = urllib.parse.urlsplit(endpoint).netloc
        self.key = base64.b64decode(access_key) if access_key else None
        self.bearer = bearer
        self.timeout = timeout
        self.local = threading.local()

    def signed(self, method, target, body, scheme, skew):
        if scheme == NOBODY:
            return {}
        if scheme == BEARER:
            return {"Authorization": "Bearer " + self.bearer}
        when = email.utils.formatdate(time.time() + skew, usegmt=True)
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        text = f"{method}\n{target}\n{when};{self.address};{digest}"
        signature = base64.b64encode(hmac.new(self.key, text.encode(), hashlib.sha256).digest()).decode()
        return {
            scheme.split(";")[0]: when,
            "x-ms-content-sha256": digest,
            "Authorization": f"HMAC-SHA256 SignedHeaders={scheme}&Signature={signature}",
        }

    def connection(self):
        # the server closes what was idle for long, and may do so while we send
        if time.monotonic() - getattr(self.local, "used", 0) > IDLE_SECONDS:
            self.drop()
        self.local.used = time.monotonic()
        if getattr(self.local, "connection", None) is None:
            host, port = self.address.rsplit(":", 1)
            self.local.connection = http.client.HTTPConnection(host, int(port), timeout=self.timeout)
        return self.local.connection

    def drop(self):
        if getattr(self.local, "connection", None) is not None:
            self.local.connection.close()
            self.local.connection = None

    def request(self, method, target, body=None, headers=None, scheme=X_MS_DATE, skew=0):
        """`body`: what becomes JSON, or bytes that go as they are.  OSError or HTTPException: no answer came."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        all_headers = {"Host": self.address}
        if body is not None:
            all_headers["Content-Type"] = "application/json"
        all_headers.update(self.signed(method, target, raw, scheme, skew))
        all_headers.update(headers or {})
        all_headers = {k: v for k, v in all_headers.items() if v is not None}
        if method == "POST" or raw:
            all_headers.setdefault("Content-Length", str(len(raw)))
        connection = self.connection()
        sent, sent_utc = time.monotonic(), time.time()
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in all_headers.items():
                connection.putheader(name, value)
            connection.endheaders(raw or None)
            response = connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException):
            self.drop()
            raise
        received = time.monotonic()
        if response.will_close:
            self.drop()
        parsed = None
        if data and "json" in response.headers.get("Content-Type", ""):
            parsed = json.loads(data)
        return Answer(response.status, response.headers, data, parsed, sent, received, sent_utc)

    def post(self, target, body=None, **more):
        return self.request("POST", target, body, **more)

    def get(self, target, **more):
        return self.request("GET", target, **more)

    def delete(self, target, **more):
        return self.request("DELETE", target, **more)

    def persist(self, method, target, body=None, seconds=30):
        """
        What a careful program does: the same request, under the same name,
        until it is answered for good.  The last answer, or None.
        """
        name = {"Repeatability-Request-ID": str(uuid.uuid4()),
                "Repeatability-First-Sent": email.utils.formatdate(usegmt=True)}
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            try:
                answer = self.request(method, target, body, headers=name)
                if answer.status < 500 and answer.status != 429:
                    return answer
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.1)
        return None


def phone(number):
    return {"phoneNumber": {"value": number}}


def create_body(numbers, callback, digits=True, **more):
    body = {
        "targets": [phone(n) for n in ([numbers] if isinstance(numbers, str) else numbers)],
        "callbackUri": callback,
        "requestedModalities": ["audio"],
        "requestedCallEvents": ["dtmfReceived"] if digits else [],
    }
    body.update(more)
    return body
