"""
sample_program.py - the program that came with the 2021 API, as its users wrote theirs

It calls somebody and plays a looped prompt; who presses 1 is put through to a
second person, who may have to be asked more than once; then the program hangs
up.  What it asks of a server, and this one keeps to:

- Its dispatcher keeps nothing: an event for which nobody has subscribed yet is
  dropped.  So an event that comes before the answer to its request loses the call.
- It waits for a prompt's result only if the answer says `running`; a result
  that is not `completed` makes it hang up.
- It waits for Terminated without a limit, also after a call that never came about.
"""
import asyncio
import collections
import uuid

from client import phone
from receiver import word_of
from web import Hooks, Web

PROMPT = "https://media.example/reminder.wav"
TRIES = 6  # of one request


class Refused(Exception):
    """The API's answer was no; args: status, code."""


class Dispatcher:
    """Hands each event to who asked for its kind and key; `early`: those that came before somebody asked for them."""

    def __init__(self):
        self.listeners = {}
        self.dropped = collections.Counter()
        self.early = []

    def subscribe(self, kind, key, listener):
        if self.dropped[kind, key]:
            self.early.append((kind, key))
        self.listeners[kind, key] = listener

    def unsubscribe(self, kind, key):
        self.listeners.pop((kind, key), None)

    def take(self, post):
        by_context = post.type in ("PlayAudioResult", "InviteParticipantResult")
        name = post.type, post.data["operationContext"] if by_context else post.call
        if name in self.listeners:
            self.listeners[name](post.data)
        else:
            self.dropped[name] += 1


class App:
    """What all calls of one program share: connections to the API, the webhook's port, the dispatcher."""

    def __init__(self, client, secret, connections=64, keep=None):
        self.web = Web(client, connections)
        self.dispatcher = Dispatcher()
        self.hooks = Hooks(secret, self.dispatcher.take, keep=keep)

    async def __aenter__(self):
        await self.hooks.open()
        return self

    async def __aexit__(self, *_):
        self.web.close()
        self.hooks.close()

    async def ask(self, method, target, body=None):
        """The answer's JSON.  As the SDK does: what was not answered, 429 and 5xx are asked again under the same id."""
        name = {"x-ms-client-request-id": str(uuid.uuid4())}
        for turn in range(TRIES):
            if turn:
                await asyncio.sleep(0.2 * 2 ** turn)
            try:
                reply = await self.web.request(method, target, body, name)
            except (OSError, asyncio.TimeoutError):
                continue
            if reply.status < 300:
                return reply.json
            if reply.status < 500 and reply.status != 429:
                raise Refused(reply.status, reply.json["code"])
        raise Refused(0, "not answered")

    def words(self, call):
        """What the call's app was told, in order."""
        return [word_of(p) for p in self.hooks.posts[call]]


Settings = collections.namedtuple("Settings", "quiet invites")  # s of silence, invites after the first


class Report:
    """One call to `number`, put through to `invited` where he presses 1."""

    def __init__(self, app, number, invited, settings=Settings(30, 2)):
        self.app, self.number, self.invited, self.settings = app, number, invited, settings
        loop = asyncio.get_running_loop()
        self.established, self.terminated, self.played, self.pressed = (loop.create_future() for _ in range(4))
        self.call = None
        self.done = []  # what it did and saw, in words
        self.contexts = {"PlayAudioResult": [], "InviteParticipantResult": []}
        self.gate = None  # an asyncio.Event: set, the digit is acted on

    # ---- events ----

    def subscribe(self, kind, key, listener):
        self.app.dispatcher.subscribe(kind, key, listener)

    def on_state(self, data):
        if data["callState"] == "established" and not self.established.done():
            self.established.set_result(True)
        if data["callState"] == "terminated":
            self.app.dispatcher.unsubscribe("CallLegStateChanged", self.call)
            for waiting in (self.established, self.played, self.pressed):
                if not waiting.done():
                    waiting.cancel()
            self.done.append("terminated")
            self.terminated.set_result(data)

    def on_tone(self, data):
        self.app.dispatcher.unsubscribe("DtmfReceived", self.call)
        if not self.pressed.done():
            self.pressed.set_result(data["toneInfo"]["tone"] == "tone1")
            asyncio.ensure_future(self.cancel())

    def on_played(self, data):
        self.app.dispatcher.unsubscribe("PlayAudioResult", data["operationContext"])
        if not self.played.done():
            self.played.set_result(data["status"] == "completed")

    # ---- operations ----

    def context(self, kind):
        self.contexts[kind].append(str(uuid.uuid4()))
        return self.contexts[kind][-1]

    async def ask(self, method, operation, body=None):
        return await self.app.ask(method, f"/calling/calls/{self.call}{operation}?api-version=2021-04-15-preview1", body)

    async def create(self):
        body = {"targets": [phone(self.number)], "source": {"communicationUser": {"id": "8:acs:reminder"}},
                "sourceAlternateIdentity": {"value": "+15555550100"}, "callbackUri": self.app.hooks.uri("/api?secret=s"),
                "requestedModalities": ["audio"], "requestedCallEvents": ["participantsUpdated", "dtmfReceived"]}
        answer = await self.app.ask("POST", "/calling/calls?api-version=2021-04-15-preview1", body)
        self.call = answer["callLegId"]
        self.subscribe("CallLegStateChanged", self.call, self.on_state)
        await self.established

    async def play(self):
        """True once the prompt has ended as completed; False: it failed, or nobody pressed anything for so long."""
        context = self.context("PlayAudioResult")
        answer = await self.ask("POST", "/PlayAudio", {"audioFileUri": PROMPT, "loop": True, "operationContext": context,
                                                       "audioFileId": "reminder"})
        if answer["status"] != "running" or answer["operationContext"] != context:
            return False
        self.subscribe("PlayAudioResult", context, self.on_played)
        try:
            return await asyncio.wait_for(asyncio.shield(self.played), self.settings.quiet)
        except asyncio.TimeoutError:
            self.done.append("silence")
            return False

    async def cancel(self):
        if self.gate:
            await self.gate.wait()
        try:
            await self.ask("POST", "/CancelMediaProcessing", {"operationContext": str(uuid.uuid4())})
        except Refused:
            pass  # it is over: Terminated says so

    async def invite(self):
        """True: he came."""
        context = self.context("InviteParticipantResult")
        result = asyncio.get_running_loop().create_future()
        self.subscribe("InviteParticipantResult", context, lambda data: result.done() or result.set_result(data))
        await self.ask("POST", "/participants", {"participants": [phone(self.invited)], "operationContext": context,
                                                 "alternateCallerId": {"value": "+15555550101"}})
        # a call that ends owes the result first: nobody waits here for good
        data = await result
        self.app.dispatcher.unsubscribe("InviteParticipantResult", context)
        self.done.append("invite:" + data["status"])
        return data["status"] == "completed"

    async def hang_up(self):
        self.done.append("hang up")
        await self.ask("POST", "/Hangup")

    # ---- the program ----

    async def conversation(self):
        await self.create()
        self.done.append("established")
        self.subscribe("DtmfReceived", self.call, self.on_tone)
        if not await self.play():
            await self.hang_up()
            return
        self.done.append("played")
        if await self.pressed:
            for _ in range(1 + self.settings.invites):
                if await self.invite():
                    break
        await self.hang_up()

    async def run(self):
        """Until Terminated; what that said."""
        try:
            await self.conversation()
        except asyncio.CancelledError:
            if not self.terminated.done():
                raise  # not ours: the test's time is up
        except Refused as refused:
            self.done.append("refused:%d/%s" % refused.args)
            if not self.call:
                raise
        return await self.terminated
