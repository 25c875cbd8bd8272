# fleet.py - the processes of one run: Redis, proxies, producers, workers, notifiers; started, hurt and ended by pid
import base64
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import time

from processes import BIN, environment, free_port, get, with_parent

PARTITIONS = 8
SESSION = 1.5  # s, of the consumer groups
READY_SECONDS = 30
DRAIN_SECONDS = 15
FOUND_NO_BROKER = ("kafka.silent", "error kafka.away")  # as workers and notifiers say it before they end

# short lives, and the order that the protocol needs: dial.bound below the session
SETTINGS = {
    "group.session": "1500ms", "group.heartbeat": "200ms", "dial.bound": "1s", "redis.timeout": "500ms",
    "handover.timeout": "500ms", "hangup.timeout": "1s", "ring.timeout": "2500ms", "call.max": "5s",
    "sim.ring": "200ms", "sim.press": "100ms", "sim.talk": "600ms", "sim.prompt": "300ms",
    "webhook.timeout": "2s", "webhook.retry": "50ms", "webhook.retry.max": "300ms", "webhook.tries": "50",
    "drain.timeout": "10s",
}


class Process:
    def __init__(self, name, role, slot, child, admin):
        self.name, self.role, self.slot, self.child, self.admin = name, role, slot, child, admin
        self.asked = None  # "kill", "term": how we ended it
        self.asked_at = None
        self.stopped = False  # by us


class Fleet:
    """All but Kafka.  `settings` go on top of SETTINGS."""

    def __init__(self, directory, kafka, prefix, settings=None):
        self.dir, self.kafka, self.prefix = directory, kafka, prefix
        self.settings = {**SETTINGS, **(settings or {})}
        self.processes = {}  # those that run, by role and slot: "worker-3"
        self.incarnations = {}
        self.proxies = {}  # by slot
        self.exits = []
        self.interruptions = []  # {"worker", "kind", "from", "to"}: what may cost a leg its fate
        self.redis_port = free_port()
        self.redis = None
        self.endpoints = {n: f"http://127.0.0.1:{free_port()}" for n in (1, 2)}
        self.ledger = os.path.join(directory, "sim.ledger")
        self.point_log = os.path.join(directory, "points.log")
        self.write_tenants()

    def path(self, name):
        return os.path.join(self.dir, name)

    def write_tenants(self):
        self.access_key = base64.b64encode(secrets.token_bytes(32)).decode()
        self.bearer = secrets.token_urlsafe(24)
        self.webhook_secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        tenants = {
            "serverKeys": [{"number": 1, "key": base64.b64encode(secrets.token_bytes(32)).decode()}],
            "tenants": [{
                "name": "default",
                "hosts": [e.split("//")[1] for e in self.endpoints.values()],
                "accessKeys": [self.access_key],
                "bearerKeys": [hashlib.sha256(self.bearer.encode()).hexdigest()],
                "webhookSecrets": [self.webhook_secret],
                "defaultSource": {"phoneNumber": {"value": "+15555550100"}},
            }],
        }
        fd = os.open(self.path("tenants.json"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as f:
            json.dump(tenants, f)

    def spawn(self, name, command, env=None, **more):
        with open(self.path(name + ".log"), "a") as log:
            return subprocess.Popen(command, stdin=more.get("stdin", subprocess.DEVNULL),
                                    stdout=more.get("stdout", log), stderr=log, env=env or environment(),
                                    start_new_session=True, preexec_fn=with_parent, text=True)

    # ---- Redis ----

    def start_redis(self):
        os.makedirs(self.path("redis"), exist_ok=True)
        self.redis = self.spawn("redis", ["redis-server", "--port", str(self.redis_port), "--bind", "127.0.0.1",
                                          "--dir", self.path("redis"), "--save", "", "--appendonly", "yes",
                                          "--appendfsync", "always", "--maxmemory-policy", "noeviction"])

    def ask_redis(self, *words):
        """One command to our Redis; OSError: no answer."""
        text = b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words)
        with socket.create_connection(("127.0.0.1", self.redis_port), 2) as s:
            s.sendall(b"*%d\r\n" % len(words) + text)
            with s.makefile("rb") as f:
                line = f.readline().strip().decode()
                if line[:1] == "$":
                    return f.read(int(line[1:])).decode() if line != "$-1" else None
                if line[:1] == ":":
                    return int(line[1:])
                if line[:1] != "+":
                    raise OSError(f"redis: {line}")
                return line[1:]

    # ---- proxies ----

    def start_proxy(self, slot):
        ports = {"redis": free_port()}
        targets = {"redis": self.redis_port}
        for port in self.kafka.ports:
            ports[f"kafka{port}"], targets[f"kafka{port}"] = free_port(), port
        child = self.spawn(f"proxy-{slot}", [os.path.join(BIN, "callcast-proxy")] +
                           [f"{n}={ports[n]}:{targets[n]}" for n in ports],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if child.stdout.readline().strip() != "ready":
            raise RuntimeError(f"proxy-{slot} did not start; see {self.dir}")
        self.proxies[slot] = (child, ports)

    def order(self, slot, what, fault):
        """`what`: redis, kafka or all.  `fault`: an order of the proxy's."""
        child, ports = self.proxies[slot]
        for name in ports:
            if what == "all" or name.startswith(what):
                child.stdin.write(f"{name} {fault}\n")
                child.stdin.flush()
                if child.stdout.readline().strip() != "done":
                    raise RuntimeError(f"proxy-{slot} does not know: {name} {fault}")

    # ---- programs ----

    def start(self, role, slot):
        key = f"{role}-{slot}"
        self.incarnations[key] = self.incarnations.get(key, 0) + 1
        name = f"{key}-{self.incarnations[key]}"
        admin = f"127.0.0.1:{free_port()}"
        env = environment()
        flags = {"kafka": self.kafka.bootstrap, "redis": f"127.0.0.1:{self.redis_port}", "topic.prefix": self.prefix,
                 "tenants": self.path("tenants.json"), "admin.listen": admin}
        if role == "worker":
            if slot not in self.proxies:
                self.start_proxy(slot)
            ports = self.proxies[slot][1]
            flags.update({"redis": f"127.0.0.1:{ports['redis']}", "worker.name": name, "sim.ledger": self.ledger})
            env.update({
                "LD_PRELOAD": os.path.join(BIN, "redirect.so"),
                "CHAOS_REDIRECT": ",".join(f"{p}:{ports[f'kafka{p}']}" for p in self.kafka.ports),
                "CALLCAST_KILL_POINT_FILE": self.path(f"{key}.arm"),
                "CALLCAST_KILL_POINT_LOG": self.point_log,
            })
        elif role == "producer":
            flags["http.listen"] = self.endpoints[slot].split("//")[1]
        if role != "worker":
            flags["callbacks.allow"] = "127.0.0.0/8"
        env.update({"CALLCAST_" + k.upper().replace(".", "_"): v for k, v in self.settings.items()})
        command = [os.path.join(BIN, f"callcast-{role}")]
        for flag, value in flags.items():
            command += ["--" + flag, value]
        child = self.spawn(name, command, env)
        self.processes[key] = Process(name, role, slot, child, admin)
        return self.processes[key]

    def up(self, workers=4):
        self.start_redis()
        self.tool("callcast", "topics", "create", "--commands.partitions", str(PARTITIONS))
        limit = time.monotonic() + READY_SECONDS
        while not self.kafka.know(self.prefix, 4) and time.monotonic() < limit:
            time.sleep(0.1)
        for slot in (1, 2):
            self.start("producer", slot)
            self.start("notifier", slot)
        for slot in range(1, workers + 1):
            self.start("worker", slot)

    def of(self, role):
        return [p for p in list(self.processes.values()) if p.role == role]

    def ready(self, process):
        try:
            get(process.admin, "/readyz")
            return True
        except OSError:
            return False

    def wait_ready(self, seconds=READY_SECONDS):
        """The names of those that are not ready when the time is up."""
        limit = time.monotonic() + seconds
        late = list(self.processes.values())
        while late and time.monotonic() < limit:
            late = [p for p in late if not self.ready(p)]
            if late:
                time.sleep(0.05)
        return [p.name for p in late]

    def metrics(self):
        """Series and value, summed over all that run, by role."""
        sums = {}
        for process in self.processes.values():
            try:
                text = get(process.admin, "/metrics")
            except OSError:
                continue
            for line in text.splitlines():
                if line.startswith("callcast_"):
                    series, value = line.rsplit(" ", 1)
                    key = f"{process.role} {series}"
                    sums[key] = sums.get(key, 0) + float(value)
        return sums

    def tool(self, program, *words, seconds=30):
        """What a program of ours printed; it is asked again while Kafka does not answer."""
        command = [os.path.join(BIN, program), "--kafka", self.kafka.bootstrap, "--topic.prefix", self.prefix, *words]
        for _ in range(5):
            done = subprocess.run(command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=seconds)
            if done.returncode == 0:
                return done.stdout
            time.sleep(0.5)
        raise RuntimeError(f"{' '.join(command)}: {done.returncode}: {done.stderr}")

    def poison(self, *words):
        """One command that can't be carried out, as callcast-poison told of it before it sent it."""
        done = subprocess.run([os.path.join(BIN, "callcast-poison"), "--kafka", self.kafka.bootstrap, "--topic.prefix",
                               self.prefix, "--tenants", self.path("tenants.json"), *words], env=environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
        if not done.stdout:
            raise RuntimeError(f"callcast-poison {' '.join(words)}: {done.returncode}: {done.stderr[-300:]}")
        return {**json.loads(done.stdout), "acknowledged": done.returncode == 0}

    def dump(self, topic):
        return [json.loads(line) for line in self.tool("callcast-dump", topic).splitlines()]

    # ---- ends ----

    def end(self, key, how):
        """kill -9, or SIGTERM; reap() hears of the end."""
        process = self.processes[key]
        process.asked, process.asked_at = how, time.time()
        if process.stopped:
            process.child.send_signal(signal.SIGCONT)
        process.child.send_signal(signal.SIGKILL if how == "kill" else signal.SIGTERM)

    def points_hit(self):
        """[{"point", "how", "pid", "at"}] so far."""
        try:
            with open(self.point_log) as f:
                words = [line.split() for line in f]
        except FileNotFoundError:
            return []
        return [{"point": w[0], "how": w[1], "pid": int(w[2]), "at": int(w[3]) / 1e6} for w in words]

    def killed_by_point(self, pid):
        return next((p for p in self.points_hit() if p["pid"] == pid and p["how"] == "kill"), None)

    def says(self, name, *words):
        with open(self.path(f"{name}.log"), errors="replace") as f:
            text = f.read()
        return any(word in text for word in words)

    def reap(self):
        """Those that have ended since; each is noted with how."""
        ended = []
        for key, p in list(self.processes.items()):
            status = p.child.poll()
            if status is None:
                continue
            point = self.killed_by_point(p.child.pid)
            asked = f"point {point['point']}" if point else p.asked
            now = time.time()
            began = point["at"] if point else p.asked_at or now
            self.exits.append({"name": p.name, "at": now, "status": status, "asked": asked,
                               "silent": self.says(p.name, *FOUND_NO_BROKER), "begun": self.says(p.name, " ")})
            if p.role == "worker":
                self.interruptions.append({"worker": p.name, "kind": asked or "crash", "from": began, "to": now})
            del self.processes[key]
            ended.append(p)
        return ended

    def drain(self):
        """SIGTERM to all; the names of those that had to be killed."""
        for key in list(self.processes):
            if self.processes[key].role != "notifier":
                self.end(key, "term")
        limit = time.monotonic() + DRAIN_SECONDS
        while any(p.role != "notifier" for p in self.processes.values()) and time.monotonic() < limit:
            self.reap()
            time.sleep(0.02)
        for process in self.of("notifier"):
            self.end(f"notifier-{process.slot}", "term")
        while self.processes and time.monotonic() < limit + 5:
            self.reap()
            time.sleep(0.02)
        return [p.name for p in self.processes.values()]

    def down(self):
        """Whatever still runs is killed."""
        for process in self.processes.values():
            process.child.kill()
            process.child.wait()
        self.processes.clear()
        for child, _ in self.proxies.values():
            child.stdin.close()
            child.kill()
            child.stdout.close()
            child.wait()
        self.proxies.clear()
        if self.redis:
            self.redis.kill()
            self.redis.wait()
            self.redis = None
