# test_sample.py - the 2021 sample program (sample_program.py): each way through it, 500 at once, 200 under kills
import asyncio
import collections
import os
import random
import re
import threading
import time
import unittest

from harness import Stack, wait_until
from receiver import faults_of_delivery, word_of
from sample_program import App, Report, Settings

SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
TALK = 1.5  # s; also how long those whom the program has put through talk on
RING_TIMEOUT = 4
SETTINGS = {"CALLCAST_SIM_RING": "300ms", "CALLCAST_SIM_PRESS": "300ms", "CALLCAST_SIM_TALK": f"{int(TALK * 1000)}ms",
            "CALLCAST_RING_TIMEOUT": f"{RING_TIMEOUT}s", "CALLCAST_CALL_MAX": "120s",
            "CALLCAST_SIM_OUTCOMES": "00=40,20=40,22=20"}

# What the app is told in each way through; a word that may come again and again has a + behind it.
BEGIN = "establishing established people:1 "
END = " terminating terminated"
Way = collections.namedtuple("Way", "callee invited quiet story outcome", defaults=("completed",))
PATIENT, QUICK = 60, 1
WAYS = {
    "put through": Way(1, 0, PATIENT, BEGIN + "tone1 play:completed invite:completed people:2" + END),
    "another digit": Way(2, 0, PATIENT, BEGIN + "tone2 play:completed" + END),
    "nobody answers": Way(21, 0, PATIENT, "establishing terminated", "noAnswer"),
    "busy": Way(20, 0, PATIENT, "establishing terminated", "busy"),
    "declined": Way(22, 0, PATIENT, "establishing terminated", "declined"),
    "no such number": Way(23, 0, PATIENT, "establishing terminated", "noSuchNumber"),
    "invited is busy": Way(1, 20, PATIENT, BEGIN + "tone1 play:completed invite:failed invite:failed invite:failed" + END),
    "invited declines": Way(1, 22, PATIENT, BEGIN + "tone1 play:completed invite:failed invite:failed invite:failed" + END),
    "invited comes or not": Way(1, 40, PATIENT, BEGIN + "tone1 play:completed (invite:failed ){0,2}invite:completed people:2"
                                + END + "|" + BEGIN + "tone1 play:completed( invite:failed){3}" + END),
    "silence": Way(0, 0, QUICK, BEGIN + "terminating play:failed terminated"),
    # before the prompt, if the program is slow
    "hangs up meanwhile": Way(10, 0, PATIENT, BEGIN + "terminating (play:failed )?terminated"),
}
SHARES = {"put through": 8, "another digit": 3, "nobody answers": 2, "busy": 2, "declined": 1, "no such number": 1,
          "invited is busy": 2, "invited declines": 1, "invited comes or not": 3, "silence": 2, "hangs up meanwhile": 1}
stack = None
turn = 0


def number(script):
    global turn
    turn += 1
    return f"+1562{turn:06d}{script:02d}"


def report(app, name):
    way = WAYS[name]
    made = Report(app, number(way.callee), number(way.invited), Settings(way.quiet, 2))
    made.way = name
    return made


def at_once(stack, seconds, make, meanwhile=None):
    """
    Runs all programs that make(app) has made until each has ended, or the time
    is up; meanwhile() runs on a thread beside them.  The app and the reports.
    """
    def late_answers():
        """Only after one of these may an event have come before the answer."""
        return int(stack.metric("producer", "callcast_http_late_answers_total"))

    async def main():
        before = late_answers()
        async with App(stack.client(), stack.env["CALLCAST_WEBHOOK_SECRET"], 128) as app:
            reports = make(app)
            tasks = [asyncio.create_task(r.run()) for r in reports]
            done, late = await asyncio.wait(tasks, timeout=seconds)
            for report, task in zip(reports, tasks):
                report.fault = "did not end" if task in late else task.exception()
            for task in late:
                task.cancel()
            await asyncio.sleep(0.5)  # what comes after the last event must not come
            app.late_answers = late_answers() - before
            return app, reports

    beside = threading.Thread(target=meanwhile) if meanwhile else None
    if beside:
        beside.start()
    try:
        return asyncio.run(main())
    finally:
        if beside:
            beside.join()


def history(app, call):
    """What its app was told, and when."""
    return ", ".join(f"{word_of(p)} {p.event['time'][11:23]}" for p in app.hooks.posts[call])


def results_owed(app, report):
    """Each of its plays and invites has had one result, before the final event."""
    posts = {p.id: p for p in app.hooks.posts[report.call]}
    for kind, contexts in report.contexts.items():
        told = collections.Counter(p.data["operationContext"] for p in posts.values() if p.type == kind)
        if set(told) - set(contexts):
            yield f"{kind} for what was never asked: {told}"
        for context in contexts:
            # one that was refused has none, nor one that was accepted while the callee hung up: nothing follows Terminated
            may_lack = context == contexts[-1] and "hang up" not in report.done
            if told[context] != 1 and not (may_lack and told[context] == 0):
                yield f"{kind} came {told[context]} times for {context}"


def was_deaf(app, report):
    """An answer that was later than answerBy allowed, which is counted, came behind the call's events: nobody heard them."""
    return report.fault == "did not end" and ("CallLegStateChanged", report.call) in app.dispatcher.early


def faults_of(app, report, dials):
    """What of a report is not as promised, whatever was killed meanwhile."""
    if not report.call or (report.fault and not was_deaf(app, report)):
        return [f"the program {report.fault or 'made no call'}: {report.done}"]
    faults = faults_of_delivery(app.hooks.posts[report.call]) + list(results_owed(app, report))
    if dials[report.number] > 1:
        faults.append(f"dialled {dials[report.number]} times")
    if dials[report.invited] > len(report.contexts["InviteParticipantResult"]):
        faults.append(f"invited {len(report.contexts['InviteParticipantResult'])} times, dialled {dials[report.invited]}")
    return faults


def faults_of_story(app, report):
    """And where nothing was killed: it is the way's own story, and its outcome."""
    way, words = WAYS[report.way], " ".join(app.words(report.call)) if report.call else ""
    if not re.fullmatch(way.story, words):
        return [f"{report.way}: {words}; the program: {report.done}"]
    outcome = app.hooks.posts[report.call][-1].data["outcome"]
    return [] if outcome == way.outcome else [f"{report.way}: ended as {outcome}"]


def faults_of_all(stack, app, reports, stories=True):
    dials = stack.dials()
    by_number = collections.Counter(n for _, n, _ in dials)
    by_id = collections.Counter(i for i, _, _ in dials)
    faults = list(app.hooks.faults)
    if len(app.dispatcher.early) > app.late_answers:
        faults.append(f"came before the answer: {app.dispatcher.early}; late answers: {app.late_answers}")
    faults += [f"{i} was dialled {n} times" for i, n in by_id.items() if n > 1]
    for r in reports:
        faults += [f"{r.call} {r.way}: {f}" for f in faults_of(app, r, by_number)]
        if stories:
            faults += faults_of_story(app, r)
    return faults


class One(unittest.TestCase):
    """Each way through, all side by side."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack("sample", **SETTINGS)
        cls.addClassCleanup(cls.stack.down)
        cls.stack.up()
        cls.app, reports = at_once(cls.stack, 40, lambda app: [report(app, name) for name in WAYS])
        cls.reports = {r.way: r for r in reports}

    def test_each_way_tells_its_story(self):
        for name, one in self.reports.items():
            with self.subTest(name):
                self.assertEqual(faults_of_all(self.stack, self.app, [one]), [])
        self.assertIn("play:failed", self.app.words(self.reports["hangs up meanwhile"].call))

    def test_what_the_program_did(self):
        for name, did in (
            ("put through", ["established", "played", "invite:completed", "hang up", "terminated"]),
            ("another digit", ["established", "played", "hang up", "terminated"]),
            ("nobody answers", ["terminated"]), ("busy", ["terminated"]), ("declined", ["terminated"]),
            ("invited is busy", ["established", "played"] + 3 * ["invite:failed"] + ["hang up", "terminated"]),
            ("silence", ["established", "silence", "hang up", "terminated"]),
        ):
            with self.subTest(name):
                self.assertEqual(self.reports[name].done, did)

    def test_who_was_dialled(self):
        for name, dialled, invited in (("put through", 1, 1), ("another digit", 1, 0), ("busy", 1, 0),
                                       ("invited is busy", 1, 3), ("silence", 1, 0)):
            with self.subTest(name):
                one = self.reports[name]
                self.assertEqual((len(self.stack.dials_of(one.number)), len(self.stack.dials_of(one.invited))),
                                 (dialled, invited))

    def test_why_the_invited_did_not_come(self):
        for name, code, subcode in (("invited is busy", 486, 560486), ("invited declines", 603, 560603)):
            posts = self.app.hooks.posts[self.reports[name].call]
            for p in posts:
                if p.type == "InviteParticipantResult":
                    self.assertEqual((p.data["resultInfo"]["code"], p.data["resultInfo"]["subcode"]), (code, subcode))

    def test_those_put_through_talk_on_after_the_program_has_left(self):
        """Terminated comes at once; the ledger has their end, which is nobody's event."""
        call = self.reports["put through"].call
        posts = self.app.hooks.posts[call]
        self.assertEqual([p.data["callState"] for p in posts[-2:]], ["terminating", "terminated"])
        self.assertLess(posts[-1].mono - posts[-2].mono, TALK / 2)
        self.assertEqual(posts[-1].data["resultInfo"]["subcode"], 560000)

        events = wait_until(lambda: self.ended_twice(call), 10, 0.2)
        self.assertTrue(events, self.stack.show(call)["events"][-3:])
        final = [e for e in events if e.get("final")]
        self.assertEqual([(e["number"], e["outcome"]) for e in final], [(posts[-1].number, "completed")])
        self.assertEqual({e["number"] for e in events[events.index(final[0]) + 1:]}, {0})
        self.assertEqual(self.stack.client().get(f"/calls/{call}").json["callState"], "terminated")

    def ended_twice(self, call):
        """The ledger's events, once it says `terminated` a second time, in its last record."""
        events = self.stack.show(call)["events"]
        ends = [e for e in events if e["data"].get("callState") == "terminated"]
        return events if len(ends) == 2 and ends[1] is events[-1] and not ends[1].get("final") else None

    def test_500_at_once(self):
        rnd = random.Random(SEED)
        names = rnd.choices(list(SHARES), SHARES.values(), k=500)
        began = time.monotonic()
        app, reports = at_once(self.stack, 60, lambda app: [report(app, name) for name in names])
        faults = faults_of_all(self.stack, app, reports)
        print(f"500 in {time.monotonic() - began:.1f} s, {sum(len(p) for p in app.hooks.posts.values())} webhooks, "
              f"{app.late_answers} late answers, {sum(was_deaf(app, r) for r in reports)} programs that were answered too "
              "late", end=" ", flush=True)
        self.assertEqual(faults[:20], [], f"{len(faults)} faults, SEED={SEED}")


class Kills(unittest.TestCase):
    """200 programs, while workers are killed and others come."""

    maxDiff = None
    KILLED = 6

    def setUp(self):
        # slow, so that they are all in the midst of it while workers die; nobody is silent by himself
        self.stack = Stack("sample-kill", **{**SETTINGS, "CALLCAST_SIM_RING": "1s", "CALLCAST_SIM_PRESS": "2s",
                                             "CALLCAST_RING_TIMEOUT": "10s", "CALLCAST_GROUP_SESSION": "3s",
                                             "WORKERS": "3"})
        self.addCleanup(self.stack.down)
        self.stack.up()

    def kill(self):
        rnd = random.Random(SEED)
        for _ in range(self.KILLED):
            time.sleep(rnd.uniform(0.3, 2))
            name = rnd.choice(self.stack.workers())
            self.stack.kill(name)
            self.killed.add(name)
            self.stack.add_worker()

    def test_200_under_kills(self):
        self.killed = set()
        ways = ["put through"] * 4 + ["another digit", "invited is busy"]
        app, reports = at_once(self.stack, 150, lambda app: [report(app, ways[i % len(ways)]) for i in range(200)], self.kill)
        faults = faults_of_all(self.stack, app, reports, stories=False)
        workers = {number: worker for _, number, worker in self.stack.dials()}
        outcomes = collections.Counter()
        for r in reports:
            outcome = app.hooks.posts[r.call][-1].data.get("outcome") if r.call in app.hooks.posts else "none"
            outcomes[outcome] += 1
            if outcome == "unknown" and workers.get(r.number, "nobody") not in self.killed | {"nobody"}:
                faults.append(f"{r.call}: unknown, and {workers[r.number]}, which dialled it, was not killed")
            elif outcome not in ("completed", "unknown"):
                faults.append(f"{r.call}: ended as {outcome}: {history(app, r.call)}")
        did = collections.Counter(" ".join(r.done) for r in reports)
        print(f"SEED={SEED} {dict(outcomes)}", *did.most_common(), sep="\n        ", flush=True)
        self.assertEqual(faults[:20], [], f"{len(faults)} faults, SEED={SEED}")
        self.assertGreater(outcomes["completed"], 100)
