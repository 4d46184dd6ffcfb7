"""soak.py TCP_PORT SECONDS: clients at work while everything happens to jwtauthd that happens in a year.

A supervisor holds its sockets and starts it again when it ends, as systemd does. Meanwhile: key rotations, SIGHUPs,
restarts, two kill -9. Eight clients log in, refresh and verify; one person logs in through PAM, without a pause.
Each answer is compared with the one that must come. Ends with 1 below 99.9 % of the answers, or 100 % of PAM's logins.
"""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "http"))
import activation  # noqa: E402  (its folder has to be on the path first)

PASSWORD = "Correct-Horse-42"
CLIENTS = 8


class Counts:
    def __init__(self):
        self.lock = threading.Lock()
        self.good, self.bad, self.why = {}, {}, []

    def add(self, kind, ok, why=None):
        with self.lock:
            table = self.good if ok else self.bad
            table[kind] = table.get(kind, 0) + 1
            if not ok:
                self.why.append(f"{kind}: {why}")


class Client(threading.Thread):
    def __init__(self, port, name, stop, counts):
        super().__init__()
        self.port, self.user, self.stop, self.counts = port, name, stop, counts
        self.conn = None

    def ask(self, kind, want, method, path, body=None, token=None):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token:
            headers["Authorization"] = "Bearer " + token
        try:
            if self.conn is None:
                self.conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            self.conn.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = self.conn.getresponse()
            d = json.loads(answer.read())
        except (OSError, ValueError, http.client.HTTPException) as e:
            if self.conn is not None:
                self.conn.close()
            self.conn = None
            self.counts.add(kind, False, repr(e))
            return None
        self.counts.add(kind, answer.status == want, f"{answer.status} {d.get('error')}")
        return d.get("data") if answer.status == want else None

    def verify(self, token, times):
        for _ in range(times):
            d = self.ask("verify", 200, "GET", "/api/v1/auth/verify-token", token=token)
            if d is not None and d["user"]["username"] != self.user:
                self.counts.add("verify", False, "another user")

    def turn(self):
        bad = {"username": self.user, "password": "Wrong-Horse-42"}
        self.ask("wrong password", 401, "POST", "/api/v1/auth/login", bad)
        d = self.ask("login", 200, "POST", "/api/v1/auth/login", {"username": self.user, "password": PASSWORD})
        for _ in range(10):
            if d is None:
                return
            self.verify(d["access_token"], 20)
            self.ask("forged token", 401, "GET", "/api/v1/auth/verify-token", token=d["access_token"][:-4] + "AAAA")
            d = self.ask("refresh", 200, "POST", "/api/v1/auth/refresh", {"refresh_token": d["refresh_token"]})
        if d is not None:
            token = d["access_token"]
            self.ask("logout", 200, "POST", "/api/v1/auth/logout", {}, token)
            self.ask("after logout", 401, "GET", "/api/v1/auth/verify-token", token=token)

    def run(self):
        while not self.stop.is_set():
            self.turn()


def pam_logins(stop, counts):
    call = ["pamtester", "soak", "pam", "authenticate", "acct_mgmt", "open_session", "close_session"]
    while not stop.is_set():
        done = subprocess.run(call, input=PASSWORD + "\n", capture_output=True, text=True, check=False)
        counts.add("PAM login", done.returncode == 0, done.stdout + done.stderr)
        stop.wait(0.2)


class Supervisor(threading.Thread):
    def __init__(self, port):
        super().__init__()
        self.passed = activation.listeners(port)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind("/run/notify")
        threading.Thread(target=self.listen, daemon=True).start()
        self.ends, self.starts, self.codes = False, 0, []
        self.pid = self.start_one()

    def listen(self):
        """What nobody read would make the daemon wait, a few messages on (unix(7), max_dgram_qlen)."""
        while True:
            self.notify.recv(4096)

    def start_one(self):
        self.starts += 1
        return activation.start(self.passed, "/run/notify")

    def run(self):
        while True:
            self.codes.append(os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]))
            if self.ends:
                return
            self.pid = self.start_one()

    def end(self):
        self.ends = True
        os.kill(self.pid, signal.SIGTERM)
        self.join()


def events(seconds, supervisor):
    """(when, what, action), in order."""
    def rotate():
        subprocess.run(["authctl", "-q", "key", "rotate"], check=True, stdout=subprocess.DEVNULL)

    def send(number):
        return lambda: os.kill(supervisor.pid, number)

    plan = [(seconds * (i + 0.5) / 10, "key rotation", rotate) for i in range(10)]
    plan += [(seconds * (i + 0.7) / 12, "SIGHUP", send(signal.SIGHUP)) for i in range(12)]
    plan += [(seconds * (i + 0.4) / 6, "restart", send(signal.SIGTERM)) for i in range(6)]
    plan += [(seconds * at, "kill -9", send(signal.SIGKILL)) for at in (0.37, 0.71)]
    return sorted(plan, key=lambda e: e[0])


def report(counts, supervisor, happened):
    good, bad = dict(counts.good), dict(counts.bad)
    pam_good, pam_bad = good.pop("PAM login", 0), bad.pop("PAM login", 0)
    answered, lost = sum(good.values()), sum(bad.values())
    share = 100 * answered / max(1, answered + lost)
    for line in counts.why[:40]:
        print("wrong:", line)
    print("happened:", ", ".join(f"{n} {what}" for what, n in sorted(happened.items())))
    print("started", supervisor.starts, "times, ended with", sorted(set(supervisor.codes)))
    print("answered:", ", ".join(f"{n} {kind}" for kind, n in sorted(good.items())))
    print(f"{share:.3f} % of {answered + lost} requests answered correctly, {lost} not")
    print(f"{pam_good} of {pam_good + pam_bad} logins through PAM")
    return share >= 99.9 and pam_good > 0 and pam_bad == 0 and answered > 0


def main():
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    supervisor, counts, stop, happened = Supervisor(port), Counts(), threading.Event(), {}
    supervisor.start()
    workers = [Client(port, f"soak{i}", stop, counts) for i in range(CLIENTS)]
    workers.append(threading.Thread(target=pam_logins, args=(stop, counts)))
    began = time.monotonic()
    for w in workers:
        w.start()
    for when, what, action in events(seconds, supervisor):
        time.sleep(max(0, began + when - time.monotonic()))
        action()
        happened[what] = happened.get(what, 0) + 1
    time.sleep(max(0, began + seconds - time.monotonic()))
    stop.set()
    for w in workers:
        w.join()
    supervisor.end()
    sys.exit(0 if report(counts, supervisor, happened) else 1)


main()
