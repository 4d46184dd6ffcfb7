#!/usr/bin/python3
"""metrics_check.py EARLIER LATER: two answers of /metrics are strictly Prometheus text format 0.0.4 and agree.

Line by line by the format's own rules (families in one piece, HELP and TYPE once and first, escapes, no sample twice),
then by Debian's prometheus_client; counters never fall, histograms add up. Prints the families with their types.
"""
import re
import sys

from prometheus_client.parser import text_string_to_metric_families

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?[0-9]+(?:\.[0-9]+)?)\Z")
HEAD = re.compile(rf"# (HELP|TYPE) ({NAME}) (\S.*)\Z")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}


def family_of(name, kind, family):
    """The sample belongs to the family that is open."""
    return name == family if kind != "histogram" else any(name == family + s for s in SUFFIXES[kind])


def parse(path):
    """{family: (type, {sample text: value})}"""
    with open(path, encoding="utf-8", newline="") as f:
        text = f.read()
    assert text.endswith("\n") and "\r" not in text and "\n\n" not in text, "line ends"
    families, current, helped = {}, None, None
    for line in text.splitlines():
        head = HEAD.match(line)
        if head:
            what, name, rest = head.groups()
            if what == "HELP":
                assert name not in families and helped is None, line
                assert len(rest) > 8 and rest.endswith("."), line
                helped = name
            else:
                assert helped == name and rest in ("counter", "gauge", "histogram"), line
                families[name] = (rest, {})
                current, helped = name, None
            continue
        sample = SAMPLE.match(line)
        assert sample and helped is None and current, line
        name, labels, value = sample.groups()
        kind, samples = families[current]
        assert family_of(name, kind, current), line
        names = re.findall(r'([a-zA-Z0-9_]+)="', labels or "")
        assert len(names) == len(set(names)), line
        key = f"{name}{{{labels or ''}}}"
        assert key not in samples, "twice: " + line
        samples[key] = float(value)
    assert helped is None
    for name, (kind, samples) in families.items():
        assert name.startswith("jwtauthd_"), name
        assert (kind == "counter") == name.endswith("_total"), name
        assert samples, "nothing of " + name
        assert kind == "gauge" or all(v >= 0 for v in samples.values()), name
    return families, text


def check_histogram(name, samples):
    series = {}
    for key, value in samples.items():
        part, labels = re.match(rf"{name}_([a-z]+)\{{(.*)\}}\Z", key).groups()
        le = re.search(r',?le="([^"]*)"', labels)
        rest = labels.replace(le.group(0), "") if le else labels
        entry = series.setdefault(rest, {"bucket": [], "sum": [], "count": []})
        assert bool(le) == (part == "bucket"), key
        entry[part].append((float(le.group(1)), value) if le else value)
    for labels, s in series.items():
        bounds = [b for b, _ in s["bucket"]]
        counts = [n for _, n in s["bucket"]]
        assert bounds == sorted(set(bounds)) and bounds[-1] == float("inf"), (labels, bounds)
        assert counts == sorted(counts), (labels, counts)
        assert len(s["sum"]) == 1 and s["count"] == [counts[-1]], labels
        # each call took at least the lower bound of its bucket
        least, below, former = 0, 0, 0
        for bound, n in s["bucket"]:
            least += (n - former) * below
            below, former = bound, n
        assert s["sum"][0] >= least - 1e-6, (labels, s["sum"], least)
    return series


def check_library(text, families):
    seen = {}
    for family in text_string_to_metric_families(text):
        name = family.name + ("_total" if family.type == "counter" else "")
        seen[name] = (family.type, len(family.samples))
    ours = {name: (kind, len(samples)) for name, (kind, samples) in families.items()}
    assert seen == ours, set(seen.items()) ^ set(ours.items())


def main():
    (before, _), (after, text) = parse(sys.argv[1]), parse(sys.argv[2])
    check_library(text, after)
    assert set(before) == set(after), set(before) ^ set(after)
    for name, (kind, samples) in before.items():
        assert after[name][0] == kind
        if kind == "gauge":
            continue
        for key, value in samples.items():
            assert after[name][1].get(key, -1) >= value, ("fell or went", key)
    for name, (kind, samples) in after.items():
        if kind == "histogram":
            assert check_histogram(name, samples), "no series of " + name
        print(kind, name)
    # every answer that was counted was measured
    total = sum(after["jwtauthd_requests_total"][1].values())
    measured = sum(v for k, v in after["jwtauthd_request_seconds"][1].items() if "_count{" in k)
    assert total == measured, (total, measured)


main()
