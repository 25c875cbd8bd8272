#!/usr/bin/env python3
"""avro_peer.py - our Avro against another library's, both ways

usage: tests/e2e/avro_peer.py build/tests/unit/test_records      (needs: pip install fastavro)

Checks that fastavro makes the same fingerprints, reads what we wrote, and
writes, from what it read, the same bytes; then that we read what it made up.
"""
import io
import json
import pathlib
import random
import subprocess
import sys

try:
    import fastavro
    from fastavro.schema import fingerprint, to_parsing_canonical_form
    from fastavro.utils import generate_one
except ImportError:
    print("avro_peer: skipped: fastavro is not installed (pip install fastavro)", file=sys.stderr)
    sys.exit(77)

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
NAMES = ["CallCommand", "CallEvent", "CallRecord", "DeadLetter"]
ROUNDS = 200


def plain(schema):
    """Times as the numbers they are: fastavro's dates end with the year 9999, a long does not."""
    if isinstance(schema, dict):
        return {k: plain(v) for k, v in schema.items() if k != "logicalType"}
    return [plain(v) for v in schema] if isinstance(schema, list) else schema


def frame(fp):
    """The single-object header: fastavro's fingerprint text is in the header's byte order."""
    return b"\xc3\x01" + bytes.fromhex(fp)


def write(schema, fp, value):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return frame(fp) + out.getvalue()


def read(schema, data):
    body = io.BytesIO(data[10:])
    value = fastavro.schemaless_reader(body, schema, return_record_name=True)
    assert not body.read(), "bytes follow the record"
    return value


def main():
    program = sys.argv[1]
    faults = 0
    schemas, fps = {}, {}
    for name in NAMES:
        raw = json.loads((TREE / "schemas" / f"{name}.avsc").read_text())
        fps[name] = fingerprint(to_parsing_canonical_form(raw), "CRC-64-AVRO")
        schemas[name] = fastavro.parse_schema(plain(raw))

    sample = subprocess.run([program, "sample"], check=True, capture_output=True, text=True).stdout
    for line in sample.splitlines():
        name, number, text = line.split()
        data = bytes.fromhex(text)
        ours = int(number, 16).to_bytes(8, "little").hex()
        if ours != fps[name]:
            print(f"{name}: fingerprint {ours}, fastavro says {fps[name]}")
            faults += 1
        elif write(schemas[name], fps[name], read(schemas[name], data)) != data:
            print(f"{name}: fastavro writes other bytes from what it read")
            faults += 1

    random.seed(1)
    sent = [(name, write(schemas[name], fps[name], generate_one(schemas[name])).hex())
            for name in NAMES for _ in range(ROUNDS)]
    lines = "".join(f"{name} {text}\n" for name, text in sent)
    echo = subprocess.run([program, "echo"], input=lines, capture_output=True, text=True, check=False)
    answers = echo.stdout.splitlines()
    if len(answers) != len(sent):
        print(f"{len(sent)} records sent, {len(answers)} came back: {echo.stderr.strip()}")
        faults += 1
    for (name, text), answer in zip(sent, answers):
        if answer != text:
            print(f"{name}: sent {text}\n{' ' * len(name)}  back {answer}")
            faults += 1
    print(f"avro_peer: {len(NAMES)} fingerprints, {len(sent)} records, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
