"""Medians of repeated runs, as a table.

usage: medians.py [--spread NAME]... [--ratio NAME [--most N]] TITLE FILE

Each line of FILE is one run: a label, then name=number words.  Runs of one label
become a row.  --spread adds the least and the most; --ratio what the median is
of the first row's, and with --most the exit code is 1 where it is more.
"""
import argparse
import statistics
import sys


def read(path):
    rows = {}
    with open(path, encoding="ascii") as f:
        for line in f:
            label, *words = line.split()
            row = rows.setdefault(label, {})
            for word in words:
                name, value = word.rsplit("=", 1)
                row.setdefault(name, []).append((float(value), len(value.partition(".")[2])))
    return rows


def cells(row, options, first):
    for name, values in row.items():
        digits = max(d for _, d in values)
        numbers = [n for n, _ in values]
        yield name, f"{statistics.median(numbers):.{digits}f}"
        if name in options.spread:
            yield "(least-most)", f"({min(numbers):.{digits}f}-{max(numbers):.{digits}f})"
        if name == options.ratio:
            yield "ratio", f"{ratio(row, first, name):.2f}"


def ratio(row, first, name):
    return statistics.median(n for n, _ in row[name]) / statistics.median(n for n, _ in first[name])


def print_table(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  " + "  ".join(word.rjust(width) for word, width in zip(line, widths)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--spread", action="append", default=[])
    parser.add_argument("--ratio")
    parser.add_argument("--most", type=float)
    parser.add_argument("title")
    parser.add_argument("file")
    options = parser.parse_args()
    rows = read(options.file)
    if not rows:
        sys.exit("medians.py: no run in " + options.file)
    first = next(iter(rows.values()))
    lines = [[options.title] + [name for name, _ in cells(first, options, first)]]
    lines += [[label] + [text for _, text in cells(row, options, first)] for label, row in rows.items()]
    print_table(lines)
    if options.most:
        over = [label for label, row in rows.items() if ratio(row, first, options.ratio) > options.most]
        if over:
            sys.exit(f"{options.ratio} is more than {options.most} times the first row's: {', '.join(over)}")


if __name__ == "__main__":
    main()
