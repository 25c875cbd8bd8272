"""What one step costs, from two runs of step_instructions under callgrind.

usage: callgrind_split.py STEPS FILE STEPS FILE     the run with fewer steps first; callgrind's full names
                                                    (--compress-strings=no)

A function of worker/ counts with what it calls in lib/ and in libraries: malloc,
memcpy, hashing.  What the fakes call there is theirs.  Prints, per step: worker/
itself, lib/ under it, libraries under it, the sum of these, and all the rest.
"""
import sys

PARTS = ("worker", "lib", "libraries", "rest")


def part_of(path, obj):
    """Our code has the folder in its file's name; libraries are other objects."""
    if obj.endswith("/step_instructions"):
        folder = path.rsplit("/", 2)[-2] if "/" in path else ""
        return folder if folder in ("worker", "lib") else "rest"
    return "libraries"


def counts(path):
    """Instructions by part: of worker/ by its own, and by what it called directly outside of it."""
    own = dict.fromkeys(PARTS, 0)
    called = dict.fromkeys(PARTS, 0)
    obj = file = called_obj = called_file = ""
    call = False
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            key, _, value = line.rstrip("\n").partition("=")
            if key == "ob":
                obj = value
            elif key == "fl":
                file = value
            elif key == "fn":
                called_obj, called_file = obj, file
            elif key == "cob":
                called_obj = value
            elif key in ("cfi", "cfl"):
                called_file = value
            elif key == "calls":
                call = True
            elif line[:1].isdigit() or line[:1] in "+-*":
                cost = int(line.split()[1])
                here = part_of(file, obj)
                if not call:
                    own[here] += cost
                elif here == "worker":
                    called[part_of(called_file, called_obj)] += cost
                if call:
                    called_obj, called_file = obj, file
                call = False
    total = sum(own.values())
    result = {"worker": own["worker"], "lib": called["lib"], "libraries": called["libraries"]}
    result["sum"] = sum(result.values())
    result["rest"] = total - result["sum"]
    return result


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    few, many = int(sys.argv[1]), int(sys.argv[3])
    before, after = counts(sys.argv[2]), counts(sys.argv[4])
    if many <= few:
        sys.exit("callgrind_split.py: the second run has no more steps than the first")
    print(" ".join(f"{name}={(after[name] - before[name]) / (many - few):.0f}" for name in after))


if __name__ == "__main__":
    main()
