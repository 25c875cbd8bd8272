# test_openapi_bodies.py - the document's schemas and the producer's own checks: what one takes the other takes, field by field
#
# The fields come from the schemas, and so do the values: each of JSON's types, each bound and one beyond it, each
# word and one that is none.  The schema says what the producer has to answer.
import copy
import unittest

from client import BEARER, NOBODY
from document import Document
from harness import QUICK, Stack

MISSING = object()
ANYTHING = (None, True, 7, 1.5, "x", "", [], ["x"], {}, {"x": 1})
# strings that are a near miss of something
TEXTS = (" ", "a b", "a\tb", "a\x7fb", "a\x85b", "a\xa0b", "\u0000", "a\u0000b", "å", "+4", "+46", "46701234500", "+046701234500", "+467012345001234", "+4670123450012345",
         "+46 70", "http://", "http:///x", "http://app.example", "HTTP://app.example/x?y=z", "https://app.example:8443/", "ftp://app.example/",
         "http://u@app.example/", "http://app.example/#x", "http://app.example/a b", "http://app.example/å", "http://app.example/\x85", "http://app.example/\\", "http://a%41.example/",
         "dancing", "audio", "dtmfReceived")

stack = client = hooks = document = call = None


def setUpModule():
    global stack, client, hooks, document, call
    stack = Stack("bodies", **QUICK, WORKERS="1")
    unittest.addModuleCleanup(stack.down)
    stack.up()
    client, hooks = stack.client(), stack.receiver()
    document = Document(client.get("/openapi.json", scheme=NOBODY).json)
    call = client.post("/calls", {"targets": [{"phoneNumber": {"value": "+15558100000"}}], "callbackUri": hooks.uri()}).json["callLegId"]
    assert hooks.wait_state(call, "established")


# ---- what is tried ----


def parts(schema):
    """The schema and those that it is made of, on the same value."""
    schema = document.resolve(schema)
    found = [schema]
    for word in ("oneOf", "anyOf", "allOf"):
        for part in schema.get(word, []):
            found += parts(part)
    return found


def fields(schema, value, where=()):
    """(place, schema) of each field that the schema knows, as deep as `value` goes; also of those that are not there."""
    yield where, schema
    for part in parts(schema):
        for name, inner in part.get("properties", {}).items():
            if isinstance(value, dict):
                yield from fields(inner, value.get(name), where + (name,))
        if "items" in part and isinstance(value, list):
            for i, item in enumerate(value):
                yield from fields(part["items"], item, where + (i,))


def tries(schema, value):
    """Values for that field: of each type, and around each bound."""
    yield MISSING
    yield from ANYTHING
    yield from TEXTS
    for part in parts(schema):
        yield from part.get("enum", [])
        if "maxLength" in part:
            stem = value if isinstance(value, str) else "x"
            for length in (part["maxLength"], part["maxLength"] + 1):
                yield stem + "x" * (length - len(stem))
        if "maxItems" in part and value:
            for count in (part["maxItems"], part["maxItems"] + 1):
                yield [{"phoneNumber": {"value": f"+1555820{i:02d}23"}} for i in range(count)]
            yield value + value[:1]
        if "items" in part and "enum" in document.resolve(part["items"]):
            words = document.resolve(part["items"])["enum"]
            yield words
            yield from ([w] for w in words + ["dancing"])


def put(body, where, value):
    """A copy of the body with that value there; the objects on the way to it are made."""
    body = copy.deepcopy(body)
    at = body
    for name in where[:-1]:
        if isinstance(at, dict) and not isinstance(at.get(name), (dict, list)):
            at[name] = {}
        at = at[name]
    if value is MISSING and isinstance(at, dict):
        at.pop(where[-1], None)
    elif value is not MISSING:
        at[where[-1]] = value
    return body


def word_of(where):
    text = ""
    for name in where:
        text += f"[{name}]" if isinstance(name, int) else ("." if text else "") + name
    return text


def variants(operation):
    """(where, body), each once."""
    schema, seen = document.body_schema(operation), set()
    for example in document.examples(operation):
        example = copy.deepcopy(example)
        if "callbackUri" in example:
            example["callbackUri"] = hooks.uri()
        for where, inner in fields(schema, example):
            value = example
            for name in where:
                value = value.get(name) if isinstance(value, dict) else value[name] if isinstance(value, list) else None
            for attempt in tries(inner, value) if where else [example]:
                body = put(example, where, attempt) if where else attempt
                if repr(body) not in seen:
                    seen.add(repr(body))
                    yield where, body


class Bodies(unittest.TestCase):
    def send(self, operation, body):
        target = operation.path.replace("{callLegId}", call)
        return client.request(operation.method, target, body, scheme=BEARER)

    def agrees(self, operation, where, body):
        faults = document.faults(document.body_schema(operation), body)
        answer = self.send(operation, body)
        said = f"{operation.id} {word_of(where)}: {body!r:.600}\n{answer.status} {answer.body!r:.200}\nschema: {faults}"
        if not faults:
            self.assertLess(answer.status, 300, said)
            return True
        self.assertEqual((answer.status, answer.json["code"]), (400, "8523"), said)
        # the field itself, a part of it, or what holds it: a zero character is no JSON at all here
        named = answer.json["message"].split(":")[0]
        near = named.startswith(word_of(where)) or word_of(where[:-1]) == named or \
            (named == "alternateCallerId" and where[0] == "sourceAlternateIdentity") or (named == "body" and "\\u0000" in repr(body).replace("\\x00", "\\u0000"))
        self.assertTrue(near, said)
        return False

    def test_each_field(self):
        taken = refused = 0
        for operation in document.operations():
            if not document.body_schema(operation) or operation.path.startswith("/calling"):
                continue
            for where, body in variants(operation):
                with self.subTest(operation.id, field=word_of(where)):
                    if self.agrees(operation, where, body):
                        taken += 1
                    else:
                        refused += 1
        print(f"# {taken} bodies taken, {refused} refused")
        self.assertGreater(taken, 150)
        self.assertGreater(refused, 500)

    def test_what_no_schema_can_say(self):
        """It is written in words: bounds in bytes, the same one in another form, a field twice, numbers, private networks."""
        create = {"targets": [{"phoneNumber": {"value": "+15558100123"}}], "callbackUri": hooks.uri()}
        schema = {"$ref": "#/components/schemas/CreateCallRequest"}
        for change, named in (
            ({"subject": "å" * 501}, "subject"), ({"operationContext": "å" * 2501}, "operationContext"),
            ({"targets": [{"phoneNumber": {"value": "+15558100123"}}, {"phoneNumber": {"value": "+15558100123"}, "rawId": "x"}]}, "targets[1]"),
            ({"callbackUri": "http://10.0.0.1/"}, "callbackUri"),
        ):
            body = {**create, **change}
            self.assertEqual(document.faults(schema, body), [])
            answer = client.post("/calls", body)
            self.assertEqual((answer.status, answer.json["message"].split(":")[0]), (400, named), body)
        for raw in (b'{"targets":[],"targets":[]}', b'{"x":123456789012345678901234567890}', b'{"x":1e999}', b'"x"', b"[]", b"null", b""):
            answer = client.post("/calls", raw)
            self.assertEqual((answer.status, answer.json["message"].split(":")[0]), (400, "body") if raw else (400, "body"), raw)

    def test_bodies_under_the_other_prefix_are_the_same(self):
        operations = {o.path: o for o in document.operations()}
        for path, operation in operations.items():
            if path.startswith("/calls"):
                self.assertEqual(document.body_schema(operation), document.body_schema(operations["/calling" + path]), path)
