"""load.py TCP_PORT STATE_FILE CLIENTS: clients at work until the daemon is gone, and what they were promised.

Each client logs in, refreshes, verifies, and changes its user's name to a number that only grows, over one kept
connection that it makes again when it is closed. A 2xx is a promise; STATE_FILE gets what was promised when the server
no longer answers: {user: {"accepted": last accepted, "asked": last asked, "refresh": the last one given}}.
Prints "ready" once every client has had a change accepted and a token refreshed.
"""
import http.client
import json
import sys
import threading

PASSWORD = "Correct-Horse-42"


class Client(threading.Thread):
    def __init__(self, port, name, ready):
        super().__init__()
        self.port, self.name_, self.ready = port, name, ready
        self.conn = None
        self.kept = {"accepted": 0, "asked": 0, "refresh": None, "answers": 0, "odd": []}

    def call(self, method, path, body=None, token=None):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token:
            headers["Authorization"] = "Bearer " + token
        if self.conn is None:
            self.conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            self.conn.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = self.conn.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.conn.close()
            self.conn = None
            raise
        self.kept["answers"] += 1
        if answer.status not in (200, 204, 429, 503):
            self.kept["odd"].append([method, path, answer.status, text.decode()[:200]])
        return answer.status, json.loads(text) if text else None

    def turn(self):
        status, d = self.call("POST", "/api/v1/auth/login", {"username": self.name_, "password": PASSWORD})
        if status != 200:
            return
        token, refresh = d["data"]["token"], d["data"]["refresh_token"]
        for _ in range(5):
            self.kept["asked"] += 1
            status, _ = self.call("PUT", "/api/v1/auth/profile", {"name": f"c{self.kept['asked']}"}, token)
            if status == 200:
                self.kept["accepted"] = self.kept["asked"]
            self.call("GET", "/api/v1/auth/verify-token", token=token)
        status, d = self.call("POST", "/api/v1/auth/refresh", {"refresh_token": refresh})
        if status == 200:
            self.kept["refresh"] = d["data"]["refresh_token"]
            if self.kept["accepted"]:
                self.ready.set()

    def run(self):
        misses = 0
        while misses < 2:
            try:
                self.turn()
                misses = 0
            except (OSError, http.client.HTTPException):
                misses += 1
        self.ready.set()


def main():
    port, path, n = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    events = [threading.Event() for _ in range(n)]
    clients = [Client(port, f"load{i}", events[i]) for i in range(n)]
    for c in clients:
        c.start()
    for e in events:
        e.wait()
    print("ready", flush=True)
    for c in clients:
        c.join()
    with open(path, "w", encoding="ascii") as f:
        json.dump({c.name_: c.kept for c in clients}, f)
    print(sum(c.kept["answers"] for c in clients), "answers")


main()
