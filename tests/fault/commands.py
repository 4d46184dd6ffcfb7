"""commands.py: every allocation, open, read, write, SQLite and random call of authctl's commands fails once.

A seeded sample of the calls, or with JA_FAULT_ALL each. A command never dies of it; it never answers 0 without its
work done; another answer comes with a line on stderr; afterwards the store is sound.
"""
import os
import random
import shutil
import sqlite3
import subprocess
import sys

KINDS = ("allocation", "open", "read", "write", "SQLite", "random")
DB = "/var/lib/jwtauth/jwtauth.db"
PASSWORD = b"Right-Horse-7-Battery\n"
FRESH = b"Fresh-Horse-7-Battery\n"
SAMPLE = 3
REPORT = "/run/t/report"
seed = int(os.environ.get("JA_SEED", "20260102"))
dice = random.Random(seed)


def number(sql):
    store = sqlite3.connect("file:%s?mode=ro" % DB, uri=True, timeout=30)
    try:
        return store.execute(sql).fetchone()[0]
    finally:
        store.close()


def rows(sql):
    return lambda out: number(sql) == 1


# Whatever failed, sshd is not shown a key that is gone from the store, or of somebody who may not log in.
def keyless(name):
    path = "/var/cache/jwtauth/ssh_keys"
    return not os.path.exists(path) or name.encode() + b" " not in open(path, "rb").read()


def token(out):
    return out.count(b".") == 2 and len(out) > 200


COMMANDS = (  # words, stdin, whether the work is done
    ("user add newcomer --password-stdin", PASSWORD, rows("SELECT count(*) FROM users WHERE username = 'newcomer'")),
    ("password set gina --password-stdin", FRESH, None),  # main() knows the former hash
    ("login frank --password-stdin", PASSWORD, token),
    ("totp enroll dora --json", b"", lambda out: b"otpauth://" in out and number("SELECT count(*) FROM totp") == 2),
    ("token issue --user carol", b"", token),
    ("token verify -", None, lambda out: b"carol" in out),
    ("key rotate", b"", rows("SELECT count(*) FROM signing_keys WHERE state = 'retiring'")),
    ("user disable gina", b"", lambda out: keyless("gina") and number(
        "SELECT count(*) FROM users WHERE username = 'gina' AND status = 'disabled'") == 1),
    ("ssh-key remove gina SHA256:XkV5Q2EaJzB0vuo3/14fKEjNoe+E/EVoSX0tik1uNXE", b"", lambda out: keyless("gina")),
    ("session revoke --user carol", b"", rows("SELECT count(*) FROM sessions WHERE revoked_at IS NOT NULL")),
    ("throttle clear --user carol", b"", lambda out: True),
    ("audit verify", b"", lambda out: True),
    ("db backup /run/t/copy", b"", lambda out: os.path.getsize("/run/t/copy") > 100000),
)


def once(words, stdin, kind, nth):
    shutil.rmtree("/var/lib/jwtauth")
    shutil.copytree("/run/kept/state", "/var/lib/jwtauth")
    shutil.rmtree("/var/cache/jwtauth")
    shutil.copytree("/run/kept/cache", "/var/cache/jwtauth")
    for name in ("/run/t/copy", "/run/t/copy-journal", REPORT):
        if os.path.exists(name):
            os.unlink(name)
    env = dict(os.environ, JA_FAULT="%d %d" % (kind, nth), JA_FAULT_REPORT=REPORT,
               LD_PRELOAD=os.environ["top_builddir"] + "/tests/fault/.libs/inject.so")
    p = subprocess.run(["authctl"] + words.split(), input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    count, fired = 0, 0
    if os.path.exists(REPORT):
        with open(REPORT) as f:
            count, fired = map(int, f.read().split())
    return p, count, fired


def judge(p, done):
    if p.returncode < 0:
        return "died of signal %d" % -p.returncode
    if number("PRAGMA quick_check") != "ok":
        return "the store is damaged"
    if p.returncode == 0 and not done(p.stdout):
        return "exit 0 without its work"
    if p.returncode != 0 and not p.stderr.strip():
        return "exit %d, and nothing said" % p.returncode
    return ""


def main():
    tries, bad = 0, 0
    with open("/run/t/token", "rb") as f:
        issued = f.read()
    store_hash = number("SELECT password_hash FROM users WHERE username = 'gina'")
    for words, stdin, done in COMMANDS:
        stdin = issued if stdin is None else stdin
        if words.startswith("password set"):
            done = rows("SELECT count(*) FROM users WHERE username = 'gina' AND password_hash != '%s'" % store_hash)
        for kind in range(len(KINDS)):
            p, count, _ = once(words, stdin, kind, 0)
            text = judge(p, done) or ("exit %d: %r" % (p.returncode, p.stderr) if p.returncode else "")
            if text:
                print("# authctl %s without a fault: %s" % (words, text))
                bad += 1
                break
            places = range(1, count + 1)
            if not os.environ.get("JA_FAULT_ALL"):
                places = sorted(dice.sample(places, min(SAMPLE, count)))
            for nth in places:
                tries += 1
                p, _, _ = once(words, stdin, kind, nth)
                text = judge(p, done)
                if text:
                    bad += 1
                    print("# authctl %s, %s %d failing: %s: %r" % (words, KINDS[kind], nth, text, p.stderr[-200:]))
    print("# JA_SEED=%d: %d faults in %d commands" % (seed, tries, len(COMMANDS)))
    return 1 if bad or not tries else 0


sys.exit(main())
