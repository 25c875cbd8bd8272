#!/usr/bin/python3
# openapi.py - schemas/openapi.yaml as the JSON that the producer serves: anchors and merges written out, in one line
# usage: openapi.py FILE    What YAML's readers take in silence is an error: a key that stands twice in one map, and
#                           the end of a text whose comma made it a key of its own.
import json
import sys

import yaml


class Reader(yaml.SafeLoader):
    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, value in node.value:
            if " " in key.value and value.tag == "tag:yaml.org,2002:null":
                raise yaml.constructor.ConstructorError(None, None, f"{key.value}: a key without a value", key.start_mark)
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value}: stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# a date is text here
Reader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

with open(sys.argv[1], encoding="utf-8") as f:
    json.dump(yaml.load(f, Reader), sys.stdout, ensure_ascii=False, separators=(",", ":"))
print()
