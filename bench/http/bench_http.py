#!/usr/bin/env python3
"""bench_http.py BUILD DIR: jwtauthd beside a bare libmicrohttpd server, Express and fastify on the same work.

DIR has an installation for each algorithm (bench/run makes them). Each server runs alone on one core, wrk on another;
by turns, medians. A ratio is of requests a second; behind it, in brackets, the same by the server's own CPU time,
which other work on the machine hardly moves. BENCH_ROUNDS, BENCH_SECONDS (of one turn), BENCH_HTTP="verify refresh
login memory": which parts.
"""
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD, DIR = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
NODE = BUILD / "bench" / "http" / "node"
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "2"))
CORES = sorted(os.sched_getaffinity(0))
VERIFY = "/api/v1/auth/verify-token"
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A process that answers on self.port; pinned to the first core unless it may have all."""

    def __init__(self, name, command, port, everywhere=False):
        self.name, self.port = name, port
        self.log = open(DIR / f"{name}.log", "ab")
        cores = set(CORES) if everywhere else {CORES[0]}
        self.process = subprocess.Popen([str(c) for c in command], stdout=self.log, stderr=self.log,
                                        preexec_fn=lambda: os.sched_setaffinity(0, cores))
        for _ in range(1000):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        sys.exit(f"bench: {name} does not answer: {pathlib.Path(self.log.name).read_text()[-2000:]}")

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


class Turn:
    """What one run of wrk saw: requests a second, CPU microseconds of the server for each, latencies in milliseconds."""

    def __init__(self, server, connections, verb, route, file="", seconds=SECONDS):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "client.lua"),
                   f"http://127.0.0.1:{server.port}", "--", verb, route, str(file)]
        before = server.cpu()
        out = subprocess.run(command, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {CORES[-1]}))
        used = server.cpu() - before
        line = [text for text in out.stdout.splitlines() if text.startswith("RESULT ")]
        if not line:
            sys.exit(f"bench: wrk: {out.stdout}{out.stderr}")
        n, us, broken, refused, p50, p99 = (int(x) for x in line[0].split()[1:])
        if n == 0 or broken or refused:
            sys.exit(f"bench: {server.name} {verb} {route}: {n} answers, {broken} broken, {refused} refused")
        self.rate, self.cpu_us, self.p50, self.p99 = n * 1e6 / us, used * 1e6 / n, p50 / 1000, p99 / 1000


def median(turns, what):
    return statistics.median(getattr(t, what) for t in turns)


def row(name, value, unit, aim=None, ok=True):
    print(f"{name:<52} {value:9.3f} {unit:<54} {aim or '':<14} {'' if aim is None else 'ok' if ok else 'OVER'}".rstrip(),
          flush=True)


def ratio(name, ours, theirs, least=None):
    value = median(ours, "rate") / median(theirs, "rate")
    by_cpu = median(theirs, "cpu_us") / median(ours, "cpu_us")
    unit = (f"x [{by_cpu:.2f} by CPU] ({median(ours, 'rate'):.0f}/{median(theirs, 'rate'):.0f} req/s, "
            f"{median(ours, 'cpu_us'):.1f}/{median(theirs, 'cpu_us'):.1f} us)")
    row(name, value, unit, None if least is None else f"aim >= {least}", least is None or value >= least)


def turns(jobs):
    """jobs: name -> function that makes a Turn. By turns, so that what the machine does meanwhile meets all alike."""
    seen = {name: [] for name in jobs}
    for _ in range(ROUNDS):
        for name, job in jobs.items():
            seen[name].append(job())
    return seen


def conf_of(alg):
    return DIR / f"http-{alg}"


def jwtauthd(alg, everywhere=False):
    home = conf_of(alg)
    port = free_port()
    text = (home / "jwtauthd.conf.in").read_text().replace("@PORT@", str(port))
    (home / "jwtauth.conf").write_text(text)
    return Server("jwtauthd", [BUILD / "jwtauthd", "-c", home / "jwtauth.conf"], port, everywhere)


def floor(alg):
    home, port = conf_of(alg), free_port()
    return Server("floor", [BUILD / "bench/http/floor_http", "serve", port, home / "key.jwk", home / "state/jwtauth.db",
                            "https://auth.example.org", "bench.example.org"], port)


def node(kind, alg, everywhere=False):
    if not (NODE / "node_modules").is_dir() or (kind == "express" and alg == "EdDSA"):
        return None  # jsonwebtoken knows no EdDSA
    home, port = conf_of(alg), free_port()
    own = DIR / f"{kind}-{alg}-{port}.db"
    server = Server(kind, ["node", NODE / f"{kind}.js", port, home / "key.jwk", home / "state/jwtauth.db", own], port,
                    everywhere)
    server.refresh = f"{own}.refresh"
    return server


def verify(alg, connections):
    ours, bare, express, fastify = jwtauthd(alg), floor(alg), node("express", alg), node("fastify", alg)
    tokens = conf_of(alg) / "tokens"
    for server in (ours, bare, express, fastify):  # warm: the others compile while they run
        if server:
            Turn(server, 16, "cold", VERIFY if server is ours else "/verify", tokens)
    for c in connections:
        jobs = {
            "cold": lambda: Turn(ours, c, "cold", VERIFY, tokens),
            "floor": lambda: Turn(bare, c, "cold", "/verify", tokens),
            "hot": lambda: Turn(ours, c, "hot", VERIFY, tokens),
            "hello": lambda: Turn(bare, c, "get", "/hello"),
        }
        if express:
            jobs["express"] = lambda: Turn(express, c, "cold", "/verify", tokens)
        if fastify:
            jobs["fastify"] = lambda: Turn(fastify, c, "cold", "/verify", tokens)
            jobs["fastify-hot"] = lambda: Turn(fastify, c, "hot", "/verify-cached", tokens)
        t = turns(jobs)
        aim = (lambda x: x) if alg == "RS256" else lambda x: None
        what = f"verify-token {alg}, {c} conn"
        ratio(f"{what}, no memory / floor with check", t["cold"], t["floor"], aim(0.85))
        ratio(f"{what}, memory / floor with check", t["hot"], t["floor"], aim(2.2))
        ratio(f"{what}, memory / floor hello", t["hot"], t["hello"])
        if express:
            ratio(f"{what}, no memory / Express", t["cold"], t["express"], aim(4.5))
            ratio(f"{what}, memory / Express", t["hot"], t["express"], aim(11))
        if fastify:
            ratio(f"{what}, no memory / fastify", t["cold"], t["fastify"])
            ratio(f"{what}, memory / fastify with its cache", t["hot"], t["fastify-hot"], aim(2))
    for server in (ours, bare, express, fastify):
        if server:
            server.stop()


class Rate:
    """What a run of floor_http that serves nobody says: how many a second, CPU microseconds for each."""

    def __init__(self, seconds, *arguments):
        before = sum(os.times()[2:4])
        out = subprocess.run([BUILD / "bench/http/floor_http", *(str(a) for a in arguments)], capture_output=True,
                             text=True, check=True)
        self.rate = float(out.stdout)
        self.cpu_us = (sum(os.times()[2:4]) - before) * 1e6 / (self.rate * seconds)


def refresh(alg):
    """One signature and one commit is what jwtauthd's refresh needs; the Node servers sign twice."""
    ours, express = jwtauthd(alg), node("express", "RS256")
    home = conf_of(alg)
    scratch = DIR / f"floor-{alg}.db"
    shutil.copy(home / "state/jwtauth.db", scratch)
    subprocess.run(["sqlite3", scratch, "PRAGMA journal_mode=WAL"], check=True, stdout=subprocess.DEVNULL)
    answers = {"n": 0}

    def turn_of(server, route, file):
        # A refresh token serves once: each turn begins with tokens of its own.
        lines = pathlib.Path(file).read_text().splitlines()
        share = len(lines) // ROUNDS
        own = DIR / "refresh.turn"
        own.write_text("\n".join(lines[answers["n"] * share:(answers["n"] + 1) * share]) + "\n")
        return Turn(server, 16, "refresh", route, own)

    def ours_turn():
        t = turn_of(ours, "/api/v1/auth/refresh", home / "refresh")
        if not express:
            answers["n"] += 1
        return t

    def express_turn():
        t = turn_of(express, "/refresh", express.refresh)
        answers["n"] += 1
        return t

    jobs = {"floor": lambda: Rate(SECONDS, "refresh", home / "key.jwk", scratch, SECONDS, 1), "ours": ours_turn}
    if express:
        jobs["express"] = express_turn
    t = turns(jobs)
    ratio(f"refresh {alg} / signature and one commit", t["ours"], t["floor"], 0.8)
    if express:
        ratio(f"refresh {alg} / Express, RS256", t["ours"], t["express"], None if alg in ("RS256", "HS256") else 3)
    for server in (ours, express):
        if server:
            server.stop()


def login():
    """All cores hash; wrk asks verify-token ten times a millisecond at most beside it, on one connection."""
    ours, express = jwtauthd("login", True), node("express", "ES256", True)
    tokens = conf_of("login") / "tokens"
    rates, limits, waits, theirs = [], [], [], []
    seconds = 2 * SECONDS
    for _ in range(ROUNDS):
        limits.append(Rate(seconds, "hash", 64, 2, seconds, len(CORES)))
        rates.append(Turn(ours, 16, "login", "/api/v1/auth/login", seconds=seconds))
        beside = subprocess.Popen(["wrk", "-t1", "-c16", f"-d{seconds + 1}s", "--timeout", "10s", "-s",
                                   str(HERE / "client.lua"), f"http://127.0.0.1:{ours.port}", "--", "login",
                                   "/api/v1/auth/login", ""], stdout=subprocess.DEVNULL)
        time.sleep(0.5)
        waits.append(Turn(ours, 1, "cold", VERIFY, tokens, seconds=seconds))
        beside.wait()
        if express:
            theirs.append(Turn(express, 16, "login", "/login", seconds=seconds))
    ratio("login / hash limit of all cores", rates, limits, 0.95)
    row("verify-token meanwhile, p50", median(waits, "p50"), "ms")
    row("verify-token meanwhile, p99", median(waits, "p99"), "ms", "aim < 5", median(waits, "p99") < 5)
    if express:
        row("Express login, bcrypt 10", median(theirs, "rate"), "req/s")
    for server in (ours, express):
        if server:
            server.stop()


def memory():
    ours = jwtauthd("RS256")
    servers = [ours] + [s for s in (node("express", "RS256"), node("fastify", "RS256")) if s]
    Turn(ours, 16, "hot", VERIFY, conf_of("RS256") / "tokens")
    row("memory of jwtauthd, 10,000 live sessions, idle", ours.memory(), "MiB", "aim <= 20", ours.memory() <= 20)
    Turn(ours, 256, "cold", VERIFY, conf_of("RS256") / "tokens", seconds=3 * SECONDS)
    row("  the same with its memory of tokens full", ours.memory(), "MiB")
    for s in servers[1:]:
        Turn(s, 16, "hot", "/verify", conf_of("RS256") / "tokens")
        row(f"memory of {s.name}", s.memory(), "MiB")
    for s in servers:
        s.stop()


def main():
    parts = os.environ.get("BENCH_HTTP", "verify refresh login memory").split()
    if not shutil.which("wrk"):
        sys.exit("bench: http needs wrk (Debian: apt-get install wrk)")
    print(f"load {os.getloadavg()[0]:.1f}, {len(CORES)} cores, {ROUNDS} rounds of {SECONDS} s")
    if "verify" in parts:
        verify("RS256", [int(c) for c in os.environ.get("BENCH_CONNECTIONS", "1 16 64 256").split()])
        for alg in ("ES256", "EdDSA", "HS256"):
            verify(alg, [64])
    if "refresh" in parts:
        for alg in ("RS256", "ES256", "EdDSA"):
            refresh(alg)
    if "login" in parts:
        login()
    if "memory" in parts:
        memory()


main()
