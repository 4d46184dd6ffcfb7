"""storm.py PORT COUNT [--hold SLOTS] [--release-after QUEUE]: so many logins at the same time.

Each has a user of its own (storm0 ...) and a connection of its own. With --hold, the host's hashing slots are held by this
process, as other processes' logins would, so that nothing is hashed until --release-after calls wait and everybody
else has been answered; without --release-after they are held to the end.
While the logins are on their way, what needs no hash is asked for: verify-token, refresh, readyz.
Prints JSON: {"statuses": {"200": n, ...}, "without_retry": n, "beside": [requests, wrong answers, slowest ms],
"beside_while_full": n, "seconds": s}
"""
import argparse
import fcntl
import http.client
import json
import os
import re
import struct
import threading
import time

p = argparse.ArgumentParser()
p.add_argument("port", type=int)
p.add_argument("count", type=int)
p.add_argument("--hold", type=int, default=0)
p.add_argument("--release-after", type=int)
args = p.parse_args()
F_OFD_SETLK = 37
PASSWORD = "Correct-Horse-42"


def ask(method, path, body=None, token=None):
    c = http.client.HTTPConnection("127.0.0.1", args.port, timeout=120)
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token:
        headers["Authorization"] = "Bearer " + token
    c.request(method, path, json.dumps(body) if body is not None else None, headers)
    a = c.getresponse()
    text = a.read().decode()
    c.close()
    return a.status, a.getheader("Retry-After"), text


def hold():
    fd = os.open("/run/jwtauth/hash-slots", os.O_RDWR | os.O_CREAT, 0o600)
    for slot in range(args.hold):
        fcntl.fcntl(fd, F_OFD_SETLK, struct.pack("hhlli", fcntl.F_WRLCK, 0, slot, 1, 0))
    return fd


answers = []
login = json.loads(ask("POST", "/api/v1/auth/login", {"username": "storm0", "password": PASSWORD})[2])["data"]
fd = hold() if args.hold else -1


def one(i):
    status, retry, text = ask("POST", "/api/v1/auth/login", {"username": f"storm{i}", "password": PASSWORD})
    assert status != 503 or json.loads(text)["error"]["code"] == "busy", text
    answers.append((status, retry))


def waiting():
    text = ask("GET", "/metrics")[2]
    return int(re.search(r'^jwtauthd_queue_depth\{pool="hash"\} (\d+)$', text, re.M).group(1))


threads = [threading.Thread(target=one, args=(i,)) for i in range(args.count)]
start = time.monotonic()
for t in threads:
    t.start()
beside, wrong, slowest, while_full = 0, 0, 0.0, 0
refresh = login["refresh_token"]
while any(t.is_alive() for t in threads):
    for n in range(20):
        at = time.monotonic()
        status, _, text = ask("GET", "/api/v1/auth/verify-token", token=login["token"])
        slowest = max(slowest, time.monotonic() - at)
        beside += 1
        wrong += status != 200 or '"storm0"' not in text
    status, _, text = ask("POST", "/api/v1/auth/refresh", {"refresh_token": refresh})
    wrong += status != 200
    refresh = json.loads(text)["data"]["refresh_token"]
    wrong += ask("GET", "/readyz")[0] != 200
    depth = waiting()
    if depth == args.release_after:
        while_full += 20
        # everybody who found no place has been told; whoever waits or is at it has not
        if fd >= 0 and len(answers) + depth + args.hold >= args.count and while_full >= 60:
            os.close(fd)
            fd = -1
for t in threads:
    t.join()
if fd >= 0:
    os.close(fd)
statuses = {}
for status, _ in answers:
    statuses[str(status)] = statuses.get(str(status), 0) + 1
print(json.dumps({
    "statuses": statuses,
    "without_retry": sum(1 for s, r in answers if s in (429, 503) and not (r and r.isdigit() and int(r) > 0)),
    "beside": [beside, wrong, round(slowest * 1000)], "beside_while_full": while_full,
    "seconds": round(time.monotonic() - start, 1)}))
