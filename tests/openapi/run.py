# run.py - the local stack, and schemathesis against its producer: see run.sh
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
E2E = os.path.join(os.path.dirname(HERE), "e2e")
sys.path.insert(0, E2E)

from client import NOBODY  # noqa: E402
from document import Document  # noqa: E402
from harness import Stack  # noqa: E402

# short lives, so that thousands of calls don't pile up
LIVES = {"CALLCAST_SIM_RING": "0ms", "CALLCAST_SIM_PRESS": "50ms", "CALLCAST_SIM_TALK": "300ms", "CALLCAST_SIM_PROMPT": "100ms",
         "CALLCAST_RING_TIMEOUT": "20s", "CALLCAST_CALL_MAX": "30s", "CALLCAST_LOG_LEVEL": "warn"}
CHECK_SECONDS = 120
ROUND_SECONDS, CASE_SECONDS = 600, 0.5  # a round may take: several times what it takes on a busy machine
ROUNDS = 5  # until the cases are there: how many a round makes is not known before


def tool(name):
    return os.path.join(os.path.dirname(sys.executable), name)


def check_document(path):
    """Against the rules of OpenAPI 3.1 itself."""
    try:
        return subprocess.run([tool("openapi-spec-validator"), path], text=True, timeout=CHECK_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def end(child):
    """It and what it started: they are a session of their own."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)


def run_bounded(words, seconds, **more):
    """Exit status and what it said; it is gone when this returns, however that comes to be."""
    text = ""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, **more) as child:
        timer = threading.Timer(seconds, end, (child,))
        timer.daemon = True
        timer.start()
        try:
            for line in child.stdout:
                print(line, end="", flush=True)
                text += line
            status = child.wait(seconds)
        finally:
            timer.cancel()
            end(child)
    if status == -signal.SIGKILL:
        print(f"{words[0]}: killed; it may take {seconds:.0f} s", flush=True)
    return status, text


def one_round(stack, hooks, path, operations, cases, seed):
    """How many cases there were, and whether all was well."""
    env = {**os.environ, "CALLCAST_ENDPOINT": stack.env["CALLCAST_ENDPOINT"], "CALLCAST_BEARER": stack.env["CALLCAST_BEARER"],
           "OPENAPI_HOOKS": hooks.uri(""), "OPENAPI_SEED": str(seed), "PYTHONPATH": f"{HERE}:{E2E}"}
    report = os.path.join(stack.dir, "schemathesis.json")
    words = [tool("schemathesis"), "--config-file", os.path.join(HERE, "schemathesis.toml"), "run", path,
             "--url", stack.env["CALLCAST_ENDPOINT"], "--seed", str(seed), "--no-color",
             "--max-examples", str(cases), "--report", "json", "--report-json-path", report]
    status, text = run_bounded(words, ROUND_SECONDS + CASE_SECONDS * cases * operations, env=env, cwd=stack.dir)
    counted = re.search(r"(\d+) generated", text)
    return int(counted.group(1)) if counted else 0, status == 0


def webhook_faults(document, hooks):
    """Whatever came in, the document describes it."""
    schema = {"$ref": "#/components/schemas/CloudEvents"}
    faults = [str(f) for post in hooks.posts for f in document.faults(schema, [post.event], strict=True)]
    return hooks.faults + faults


def main(wanted, seed):
    stack = Stack("schemathesis", **LIVES)
    began, failed = time.monotonic(), []
    try:
        stack.up()
        hooks, path = stack.receiver(), os.path.join(stack.dir, "openapi.json")
        text = stack.client().get("/openapi.json", scheme=NOBODY)
        with open(path, "wb") as f:
            f.write(text.body)
        if not check_document(path):
            failed.append("the document itself")
        document = Document(json.loads(text.body))
        operations, total = len(list(document.operations())), 0
        for i in range(ROUNDS):
            if total >= wanted or failed:
                break
            count, good = one_round(stack, hooks, path, operations, math.ceil((wanted - total) / operations), seed + i)
            total += count
            if not good:
                failed.append(f"schemathesis, seed {seed + i}")
        faults = webhook_faults(document, hooks)
        print("\n".join(faults[:20]))
        if faults:
            failed.append(f"{len(faults)} webhooks")
        if total < wanted:
            failed.append(f"{total} cases only")
        print(f"{total} cases over {operations} operations, {len(hooks.posts)} webhooks, in {time.monotonic() - began:.0f} s: "
              f"{'; '.join(failed) or 'nothing found'}")
    finally:
        left = stack.down()
    return 1 if failed or left else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the stack goes down too
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
