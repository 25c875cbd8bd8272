"""One row of bench/lateness.sh: how late all workers' steps were, from their histograms.

usage: lateness.py --head
       lateness.py LABEL p99|worst BOUND DIR     DIR/worker-*: the bucket lines that each worker showed last;
                                                 DIR/before/worker-*: those at the change

A histogram knows no more than between which two bounds a step was, so each figure
is the upper one: "<= 0.25".  Exit code 1: it can't be said that BOUND (seconds)
was kept.
"""
import pathlib
import re
import sys

BUCKET = re.compile(r'_bucket\{(?:.*,)?le="([^"]+)"\} (\d+)')
ROW = "{:10}{:>8}{:>10}{:>10}{:>10}   {:>8}{:>16}{:>10}   {:18}{}"


def read(folder):
    """How many steps were at most so late: {seconds: count}, of all workers."""
    total = {}
    for path in folder.glob("worker-*"):
        for bound, count in BUCKET.findall(path.read_text(encoding="ascii")):
            total[float(bound)] = total.get(float(bound), 0) + int(count)
    return total


def within(buckets, share):
    """The least bound that so large a share of the steps kept."""
    whole = max(buckets.values(), default=0)
    return min((bound for bound, n in buckets.items() if whole and n >= share * whole), default=float("inf"))


def text(seconds):
    return "over" if seconds == float("inf") else f"<={seconds:g}"


def main():
    if sys.argv[1:] == ["--head"]:
        print("seconds late:   whole run" + " " * 26 + "from the change on")
        print(ROW.format("change", "steps", "p50", "p99", "worst", "steps", "p99", "worst", "bound", "ok"))
        return
    if len(sys.argv) != 5 or sys.argv[2] not in ("p99", "worst"):
        sys.exit(__doc__)
    label, what, bound, folder = sys.argv[1], sys.argv[2], float(sys.argv[3]), pathlib.Path(sys.argv[4])
    now, before = read(folder), read(folder / "before")
    if not now.get(float("inf")):
        sys.exit(f"lateness.py: no worker told of a step in {folder}")
    after = {le: count - before.get(le, 0) for le, count in now.items()}
    figures = {"p99": within(now, 0.99), "worst": within(now, 1)}
    kept = figures[what] <= bound
    print(ROW.format(label, now[float("inf")], text(within(now, 0.5)), text(figures["p99"]), text(figures["worst"]),
                     after[float("inf")], text(within(after, 0.99)), text(within(after, 1)),
                     f"{what} <= {bound:g}", "yes" if kept else "NO"), flush=True)
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
