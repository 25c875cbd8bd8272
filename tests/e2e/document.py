# document.py - the API's document as the tests ask it: its operations, and what in an answer, a body or a webhook does not fit
import collections
import copy
import re
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import jsonschema

METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
# what every HTTP answer may have
EVERYBODYS = {"date", "connection", "content-type", "content-length"}

Operation = collections.namedtuple("Operation", "id method path spec parameters")


class Document:
    def __init__(self, text):
        self.text = text
        self.strict = closed(copy.deepcopy(text))
        self.validators = {}

    def resolve(self, node):
        while "$ref" in node:
            found = self.text
            for name in node["$ref"][2:].split("/"):
                found = found[name.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def operations(self):
        for path, item in self.text["paths"].items():
            for method in METHODS:
                if method in item:
                    spec = item[method]
                    parameters = [self.resolve(p) for p in item.get("parameters", []) + spec.get("parameters", [])]
                    yield Operation(spec["operationId"], method.upper(), path, spec, parameters)

    def response(self, operation, status):
        """None: not in the document."""
        found = operation.spec["responses"].get(str(status))
        return found and self.resolve(found)

    def codes(self, operation, status):
        """The error codes that it may have."""
        schema = content_schema(self.response(operation, status))
        rule = schema["allOf"][1]["properties"]["code"]
        return rule.get("enum") or [rule["const"]]

    def body_schema(self, operation):
        body = operation.spec.get("requestBody")
        return self.resolve(body["content"]["application/json"]["schema"]) if body else None

    def examples(self, operation):
        content = operation.spec["requestBody"]["content"]["application/json"]
        return [e["value"] for e in content["examples"].values()]

    # ---- what does not fit ----

    def faults(self, schema, value, strict=False):
        """As text.  strict: nor may there be what the schema does not know."""
        key = (repr(schema), strict)
        if key not in self.validators:
            root = {**(closed(copy.deepcopy(schema)) if strict else schema),
                    "components": (self.strict if strict else self.text)["components"]}
            self.validators[key] = jsonschema.Draft202012Validator(root)
        return [f"{'/'.join(map(str, e.absolute_path)) or 'body'}: {e.message[:300]}"
                for e in self.validators[key].iter_errors(value)]

    def answer_faults(self, operation, answer):
        """`answer`: status, headers, body, json."""
        response = self.response(operation, answer.status)
        if not response:
            return [f"{answer.status}: not in the document"]
        return self.header_faults(response, answer.headers) + self.content_faults(response, answer)

    def header_faults(self, response, headers):
        faults = []
        known = {n.lower(): self.resolve(h) for n, h in response.get("headers", {}).items()}
        for name, header in known.items():
            if name in headers:
                faults += [f"{name}: {f}" for f in self.faults(header["schema"], headers[name])]
            elif header.get("required"):
                faults.append(f"{name}: missing")
        return faults + [f"{n}: not in the document" for n in headers.keys() if n.lower() not in EVERYBODYS | set(known)]

    def content_faults(self, response, answer):
        schema = content_schema(response)
        if not schema:
            return [f"a body where none is: {answer.body[:100]!r}"] if answer.body else []
        if answer.headers.get("Content-Type") != "application/json":
            return [f"Content-Type: {answer.headers.get('Content-Type')}"]
        return self.faults(schema, answer.json, strict=True)


def content_schema(response):
    content = response.get("content")
    return content and content["application/json"]["schema"]


def closed(schema):
    """The same, but that an object with properties has no others.  In place."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
            schema.setdefault("additionalProperties", False)
        for value in schema.values():
            closed(value)
    elif isinstance(schema, list):
        for value in schema:
            closed(value)
    return schema


def fill(path, **values):
    """"/calls/{callLegId}" with its values in place."""
    return re.sub(r"\{(\w+)\}", lambda m: values[m.group(1)], path)
