"""kill9.py COUNT: programs are killed (SIGKILL) at COUNT seeded moments; after each the store is looked at.

Commands of authctl and logins through PAM run one after the other; every fourth runs to its end, so that there is
always something acknowledged. What is demanded holds for every moment, so that no outcome depends on timing.
"""
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

DB = "/var/lib/jwtauth/jwtauth.db"
PASSWORD = b"Right-Horse-7-Battery\n"
seed = int(os.environ.get("JA_SEED", "20260102"))
dice = random.Random(seed)
wrong = []


def ask(sql, *binds):
    store = sqlite3.connect("file:%s?mode=ro" % DB, uri=True, timeout=30)
    try:
        return store.execute(sql, binds).fetchall()
    finally:
        store.close()


def demand(fact, text):
    if not fact:
        wrong.append(text)


acknowledged = {"failures": 0, "users": set(), "sessions": set(), "status": None}


def failures():
    rows = ask("SELECT t.count FROM throttle t JOIN users u ON t.key LIKE '%' || u.id || '%' "
               "WHERE u.username = 'carol' AND t.scope = 'user'")
    return rows[0][0] if rows else 0


def done_add(number, out):
    acknowledged["users"].add("k%d" % number)


def done_login(number, out):
    acknowledged["sessions"].add(json.loads(out)["session_id"])


def done_try(number, out):
    demand(b"failed" in out or b"ailure" in out or b"pamtester" in out, "a wrong try was answered: %r" % out)
    acknowledged["failures"] += 1


def done_status(to):
    def done(number, out):
        acknowledged["status"] = to
    return done


def nothing(number, out):
    pass


COMMANDS = (  # command, stdin, exit codes that acknowledge it, what follows from that
    (lambda n: ["authctl", "-q", "user", "add", "k%d" % n, "--password-stdin"], PASSWORD, (0,), done_add),
    (lambda n: ["authctl", "-q", "--json", "login", "frank", "--password-stdin"], PASSWORD, (0,), done_login),
    (lambda n: ["pamtester", "bare", "carol", "authenticate"], b"wrong\n", (1,), done_try),
    (lambda n: ["pamtester", "bare", "erin", "authenticate", "acct_mgmt", "open_session", "close_session"],
     PASSWORD, (0,), nothing),
    # 4: it is so already
    (lambda n: ["authctl", "-q", "user", "disable", "gina"], b"", (0, 4), done_status("disabled")),
    (lambda n: ["authctl", "-q", "user", "enable", "gina"], b"", (0, 4), done_status("active")),
    (lambda n: ["authctl", "-q", "token", "issue", "--user", "carol"], b"", (0,), nothing),
    (lambda n: ["authctl", "-q", "key", "rotate"], b"", (0,), nothing),
)


def run(number, kill_after):
    """True: it was killed."""
    make, stdin, codes, done = COMMANDS[dice.randrange(len(COMMANDS))]
    if make(0)[-2:-1] == ["disable"] or make(0)[-2:-1] == ["enable"]:
        acknowledged["status"] = None  # a killed one may have been done or not
    p = subprocess.Popen(make(number), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    p.stdin.write(stdin)
    p.stdin.close()
    if kill_after is not None:
        time.sleep(kill_after)
        p.send_signal(signal.SIGKILL)
    out = p.stdout.read()
    p.wait()
    if p.returncode == -signal.SIGKILL:
        return True
    demand(p.returncode in codes, "%s: exit %d, %r" % (" ".join(make(number)), p.returncode, out))
    if p.returncode in codes:
        done(number, out)
    return False


def look():
    demand(ask("PRAGMA quick_check") == [("ok",)], "quick_check")
    demand(ask("PRAGMA foreign_key_check") == [], "foreign keys")
    users = {name for name, in ask("SELECT username FROM users")}
    demand(acknowledged["users"] <= users, "lost users: %r" % (acknowledged["users"] - users))
    sessions = {name for name, in ask("SELECT id FROM sessions")}
    demand(acknowledged["sessions"] <= sessions, "lost sessions")
    demand(failures() >= acknowledged["failures"], "%d failures of %d are counted" % (failures(), acknowledged["failures"]))
    if acknowledged["status"]:
        demand(ask("SELECT status FROM users WHERE username = 'gina'") == [(acknowledged["status"],)], "lost status")
    demand(ask("SELECT count(*) FROM signing_keys WHERE state = 'active'") == [(1,)], "not one active key")


def command(*words):
    p = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    demand(p.returncode == 0, "%s: exit %d, %r" % (" ".join(words), p.returncode, p.stdout))


def main():
    count, kills, number = int(sys.argv[1]), 0, 0
    acknowledged["failures"] = failures()
    began = time.monotonic()
    for _ in range(8):
        number += 1
        run(number, None)
    usual = (time.monotonic() - began) / 8
    while kills < count and number < 20 * count and not wrong:
        number += 1
        kills += run(number, None if number % 4 == 0 else dice.uniform(0, usual))
        look()
        if number % 50 == 0:
            command("authctl", "-q", "audit", "verify")
            command("authctl", "-q", "db", "check")
    command("authctl", "-q", "audit", "verify")
    command("authctl", "-q", "db", "check")
    demand(kills == count, "only %d were killed" % kills)
    print("# JA_SEED=%d: %d killed, %d failures, %d users, %d sessions acknowledged" % (
        seed, kills, acknowledged["failures"], len(acknowledged["users"]), len(acknowledged["sessions"])))
    for text in wrong:
        print("# " + text)
    return 1 if wrong else 0


sys.exit(main())
