# processes.py - where programs are and how one is started, by whichever part of the harness starts it
import ctypes
import os
import random
import signal
import socket
import urllib.request

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("BIN_DIR", os.path.join(TREE, "build/chaos/bin")))
RUNS = os.path.join(os.path.dirname(BIN), "runs")

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
