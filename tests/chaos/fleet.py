# fleet.py - the processes of one run: Kafka, Redis, proxies, producers, workers, notifiers; started, hurt and ended by pid
import base64
import ctypes
import hashlib
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("BIN_DIR", os.path.join(TREE, "build/chaos/bin")))
RUNS = os.path.join(os.path.dirname(BIN), "runs")

PARTITIONS = 8
SESSION = 1.5  # s, of the consumer groups
READY_SECONDS = 30
DRAIN_SECONDS = 15

# short lives, and the order that the protocol needs: dial.bound below the session
SETTINGS = {
    "group.session": "1500ms", "group.heartbeat": "200ms", "dial.bound": "1s", "redis.timeout": "500ms",
    "handover.timeout": "500ms", "hangup.timeout": "1s", "ring.timeout": "2500ms", "call.max": "5s",
    "sim.ring": "200ms", "sim.press": "100ms", "sim.talk": "600ms", "sim.prompt": "300ms",
    "webhook.timeout": "2s", "webhook.retry": "50ms", "webhook.retry.max": "300ms", "webhook.tries": "50",
    "drain.timeout": "10s",
}

libc = ctypes.CDLL(None, use_errno=True)
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def with_parent():
    """In the child: whatever ends the harness ends it too.  Only the main thread may start such."""
    libc.prctl(1, signal.SIGKILL)


used_ports = set()


def free_port():
    """Below the range from which the kernel serves outgoing connections."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if port not in used_ports and s.connect_ex(("127.0.0.1", port)) != 0:
                used_ports.add(port)
                return port


def process_state(pid):
    """The letter that ps shows; "": no such process."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(") ", 1)[1][0]
    except (OSError, IndexError):
        return ""


def environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith("CALLCAST_") or k == "CALLCAST_CACHE"}
    env.update(more)
    return env


def get(address, path):
    with direct.open(f"http://{address}{path}", timeout=2) as answer:
        return answer.read().decode()


class Kafka:
    """One node or three, reused over all seeds.  A node that was killed comes back as it was."""

    def __init__(self, nodes):
        self.dir = os.path.join(RUNS, f"kafka-{os.getpid()}")
        self.script = os.path.join(TREE, "tests/kafka/kafka.sh")
        self.children = {}
        done = subprocess.run([self.script, "start", self.dir, "--nodes", str(nodes)], text=True, env=environment(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"kafka.sh start: {done.returncode}: {done.stderr}")
        self.bootstrap = done.stdout.split("bootstrap=")[1].strip()
        self.nodes = list(range(1, nodes + 1))
        self.commands = {n: self.command_of(n) for n in self.nodes}
        self.ports = [int(a.rsplit(":", 1)[1]) for a in self.bootstrap.split(",")]

    def pid(self, node):
        with open(os.path.join(self.dir, f"kafka-{node}.pid")) as f:
            return int(f.read())

    def command_of(self, node):
        with open(f"/proc/{self.pid(node)}/cmdline") as f:
            return f.read().split("\0")[:-1]

    def signal(self, node, what):
        os.kill(self.pid(node), what)

    def ended(self, node):
        if node in self.children:
            return self.children[node].poll() is not None
        return process_state(self.pid(node)) in ("", "Z")

    def start(self, node):
        """The same command again; pid and start time are written as kafka.sh expects them."""
        with open(os.path.join(self.dir, f"kafka-{node}.log"), "a") as log:
            child = subprocess.Popen(self.commands[node], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     env=environment(), start_new_session=True, preexec_fn=with_parent)
        self.children[node] = child
        with open(f"/proc/{child.pid}/stat") as f:
            ticks = f.read().rsplit(") ", 1)[1].split()[19]
        with open("/proc/sys/kernel/random/boot_id") as f:
            boot = f.read().strip()
        with open(os.path.join(self.dir, f".kafka-{node}.started"), "w") as f:
            f.write(f"{ticks} {boot}\n")
        with open(os.path.join(self.dir, f"kafka-{node}.pid"), "w") as f:
            f.write(f"{child.pid}\n")

    def answers(self):
        done = subprocess.run(["kcat", "-L", "-b", self.bootstrap, "-m", "2"], capture_output=True, text=True)
        listed = sum(line.startswith("  broker ") for line in done.stdout.splitlines())
        return done.returncode == 0 and listed == len(self.nodes)

    def know(self, prefix, count):
        """Every node by itself has heard of so many topics of that prefix."""
        for port in self.ports:
            done = subprocess.run(["kcat", "-L", "-b", f"127.0.0.1:{port}", "-m", "2"], capture_output=True, text=True)
            if done.stdout.count(f'topic "{prefix}') < count:
                return False
        return True

    def stop(self):
        for child in self.children.values():
            if child.poll() is None:
                child.kill()
                child.wait()
        subprocess.run([self.script, "stop", self.dir], env=environment(), timeout=60, check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


class Process:
    def __init__(self, name, role, slot, child, admin):
        self.name, self.role, self.slot, self.child, self.admin = name, role, slot, child, admin
        self.asked = None  # "kill", "term": how we ended it
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

    def dump(self, topic):
        return [json.loads(line) for line in self.tool("callcast-dump", topic).splitlines()]

    # ---- ends ----

    def end(self, key, how, started_at=None):
        """kill -9, or SIGTERM; reap() hears of the end."""
        process = self.processes[key]
        process.asked = how
        if process.stopped:
            process.child.send_signal(signal.SIGCONT)
        process.child.send_signal(signal.SIGKILL if how == "kill" else signal.SIGTERM)

    def killed_by_point(self, pid):
        try:
            with open(self.point_log) as f:
                return next((w[0] for w in map(str.split, f) if w[2] == str(pid) and w[1] == "kill"), None)
        except FileNotFoundError:
            return None

    def reap(self):
        """Those that have ended since; each is noted with how."""
        ended = []
        for key, p in list(self.processes.items()):
            status = p.child.poll()
            if status is None:
                continue
            point = self.killed_by_point(p.child.pid)
            asked = f"point {point}" if point else p.asked
            now = time.time()
            self.exits.append({"name": p.name, "at": now, "status": status, "asked": asked})
            if p.role == "worker":
                self.interruptions.append({"worker": p.name, "kind": asked or "crash", "from": now, "to": now})
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
