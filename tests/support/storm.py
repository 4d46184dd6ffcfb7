#!/usr/bin/env python3
"""storm.py N COMMAND...: runs N copies of a command at once, each with this program's standard input,
and prints {"ok": how many exited 0, "codes": {...}, "peak_kib": the largest sum of their anonymous memory}.
"""
import collections
import json
import os
import subprocess
import sys


def anonymous_kib(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            for line in f:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1])
    except OSError:
        pass  # gone meanwhile
    return 0


def main():
    count, command = int(sys.argv[1]), sys.argv[2:]
    stdin = sys.stdin.buffer.read()
    procs = []
    for _ in range(count):
        r, w = os.pipe()
        os.write(w, stdin)
        os.close(w)
        procs.append(subprocess.Popen(command, stdin=r, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE))
        os.close(r)
    peak, alive = 0, list(procs)
    while alive:
        peak = max(peak, sum(anonymous_kib(p.pid) for p in alive))
        alive = [p for p in alive if p.poll() is None]
    codes = collections.Counter(p.returncode for p in procs)
    errors = [p.stderr.read().decode(errors="replace") for p in procs if p.returncode != 0]
    print(json.dumps({"ok": codes[0], "codes": codes, "peak_kib": peak, "errors": errors[:3]}))


main()
