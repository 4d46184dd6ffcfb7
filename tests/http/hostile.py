"""Clients that mean no good, against jwtauthd on PORT or a Unix socket: hostile.py WHAT PORT|SOCKET [...]."""
import os
import re
import resource
import select
import socket
import struct
import sys
import threading
import time


def connect(where, name=None):
    if where.startswith("/"):
        s = socket.socket(socket.AF_UNIX)
        if name is not None:
            s.bind(name)
        s.settimeout(30)
        s.connect(where)
        return s
    return socket.create_connection(("127.0.0.1", int(where)), 30)


def answer(s):
    data = b""
    try:
        while True:
            part = s.recv(65536)
            if not part:
                break
            data += part
    except OSError:
        pass
    return data


def ask(where, path, name=None):
    s = connect(where, name)
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: jwtauthd\r\nConnection: close\r\n\r\n".encode())
    return answer(s)


def as_uid(uid, fn):
    """In a child, so that the uid is its own."""
    r, w = os.pipe()
    if os.fork() == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        os.write(w, fn() or b"")
        os._exit(0)
    os.close(w)
    os.wait()
    return os.read(r, 65536)


def names(where):
    """A client's own socket name is text that it chose."""
    for name in ("\0x;uid=0;", "/run/world/x;uid=0;"):
        print(as_uid(65534, lambda: ask(where, "/api/v1/whoami", name)).decode())


def dead_peer(where):
    """The process that connected is gone when the request is answered, its socket held by root's process."""
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)

    def child():
        s = connect(where)
        socket.send_fds(b, [b"x"], [s.fileno()])
        return b"sent"

    as_uid(65534, child)
    _, fds, _, _ = socket.recv_fds(a, 1, 1)
    s = socket.socket(fileno=fds[0])
    s.settimeout(30)
    s.sendall(b"GET /api/v1/whoami HTTP/1.1\r\nHost: jwtauthd\r\nConnection: close\r\n\r\n")
    print(answer(s).decode())


def slow(where, count):
    """So many that never end their request; then one that does, and how it fared."""
    held = []
    for _ in range(int(count)):
        try:
            s = connect(where)
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ")
            held.append(s)
        except OSError:
            break
    print(len(held), ask_local(where).split(b"\r\n")[0].decode())
    # A byte now and then does not buy time: each is hung up on in the end.
    ended = 0
    for s in held:
        s.settimeout(60)
    for s in held[:8]:
        try:
            while True:
                s.sendall(b"a")
                s.settimeout(0.5)
                try:
                    if not s.recv(1):
                        break
                except TimeoutError:
                    pass
        except OSError:
            pass
        ended += 1
    print(ended)


def ask_local(where):
    s = connect(where)
    s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    return answer(s)


def many_of_uid(where):
    """How many connections of one uid are kept; another uid is served beside them."""
    r, w = os.pipe()
    go, done = os.pipe()
    if os.fork() == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        held = [connect(where) for _ in range(300)]
        alive = 0
        for s in held:
            try:
                s.sendall(b"GET /healthz HTTP/1.1\r\nHost: jwtauthd\r\n\r\n")
                s.settimeout(10)
                alive += s.recv(15).startswith(b"HTTP/1.1 200")
            except OSError:
                pass
        os.write(w, str(alive).encode())
        os.read(go, 1)
        os._exit(0)
    print(os.read(r, 16).decode(), ask(where, "/healthz").split(b"\r\n")[0].decode())
    os.write(done, b"x")
    os.wait()


def garbage(where):
    """Pipelined rubbish after a request, half-open and reset connections."""
    for tail in (b"\0\1\2\3\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n" * 50, b"\r\n" * 2000, b"{" * 5000):
        s = connect(where)
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + tail)
        s.shutdown(socket.SHUT_WR)
        assert answer(s).startswith(b"HTTP/1.1 200"), tail
    for _ in range(200):
        s = connect(where)
        s.sendall(b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n{")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    print(ask_local(where).split(b"\r\n")[0].decode())


class Watch(threading.Thread):
    """The server's largest memory (KiB) and number of descriptors meanwhile, and how an honest client fares."""

    def __init__(self, where, pid):
        super().__init__()
        self.where, self.pid = where, pid
        self.rss = self.fds = self.served = self.refused = 0
        self.over = threading.Event()
        self.before = len(self.sockets())

    def descriptors(self):
        return os.listdir(f"/proc/{self.pid}/fd")

    def sockets(self):
        found = []
        for fd in self.descriptors():
            try:
                found += [fd] if os.readlink(f"/proc/{self.pid}/fd/{fd}").startswith("socket:") else []
            except OSError:
                pass
        return found

    def alone(self):
        """Whether the server has no connection more than before; the honest client has one for moments only."""
        return len(self.sockets()) <= self.before

    def look(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            self.rss = max(self.rss, int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)))
        self.fds = max(self.fds, len(self.descriptors()))

    def run(self):
        while not self.over.wait(0.05):
            self.look()
            s = socket.create_connection(("127.0.0.1", int(self.where)), 120)
            s.settimeout(120)
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            good = answer(s).startswith(b"HTTP/1.1 200")
            s.close()
            self.served += good
            self.refused += not good

    def end(self):
        self.over.set()
        self.join()
        self.look()
        return f"rss {self.rss} fds {self.fds} served {self.served} refused {self.refused}"


def idle(where, pid, count):
    """So many connections at once that say nothing, or the half of something, or whose other end vanishes without a
    word; until the server has ended each of them."""
    count = int(count)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 500, max(count + 500, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    says = (b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ",
            b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{", b"\r\n")
    watch = Watch(where, pid)
    watch.start()
    poll, held = select.epoll(), {}
    for i in range(count):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", int(where)))
        held[s.fileno()] = [s, says[i % 4]]
        poll.register(s.fileno(), select.EPOLLOUT)
    met, vanished, give_up = 0, 0, time.monotonic() + 300
    while held and time.monotonic() < give_up:
        ready = poll.poll(1)
        # With its backlog full the kernel drops the last step of a handshake: who says nothing then believes in a
        # connection that the server never had, and hears no more of it.
        # One whose handshakes were all dropped ends without having met anybody.
        if not ready and all(text is None for _, text in held.values()) and watch.alone():
            held.clear()
        for fd, events in ready:
            s, text = held[fd]
            if text is not None and events & select.EPOLLOUT and not events & (select.EPOLLERR | select.EPOLLHUP):
                met += 1
                held[fd][1] = None
                try:
                    s.send(text)
                except OSError:
                    pass
                if met % 50 == 0:
                    # TCP_REPAIR: closed without FIN, as a host that lost its network
                    s.setsockopt(socket.IPPROTO_TCP, 19, 1)
                    vanished += 1
                else:
                    poll.modify(fd, select.EPOLLIN)
                    continue
            elif not events & (select.EPOLLERR | select.EPOLLHUP):
                try:
                    if s.recv(65536):
                        continue
                except OSError:
                    pass
            poll.unregister(fd)
            s.close()
            del held[fd]
    print(f"met {met} vanished {vanished} left {len(held)}", watch.end())


def flood(where, pid, count):
    """Heads without end, and thousands of pipelined requests whose answers nobody reads."""
    watch = Watch(where, pid)
    watch.start()
    refused, stuck = 0, 0
    for i in range(int(count)):
        s = connect(where)
        try:
            if i % 2:
                s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
                for n in range(1000):
                    s.sendall(b"X-%d: " % n + b"a" * 1000 + b"\r\n")
                refused += answer(s)[:12] in (b"HTTP/1.1 431", b"HTTP/1.1 413", b"HTTP/1.1 400", b"")
            else:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.settimeout(1)
                for n in range(1000):
                    s.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
        except OSError:
            refused, stuck = refused + i % 2, stuck + (i + 1) % 2
        s.close()
    print("refused-heads", refused, "stuck", stuck, watch.end())


def health(s):
    """Asks on a connection that stays; whether it was answered."""
    data = b""
    try:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while not data.endswith(b"\r\n\r\nok\n"):
            part = s.recv(65536)
            if not part:
                return False
            data += part
    except OSError:
        return False
    return data.startswith(b"HTTP/1.1 200")


def half_closed(where):
    """Two after another who ask no more after their answer are hung up on, while one who idles since before is still
    served. Where that takes as long as anybody may idle, once more."""
    for _ in range(3):
        idle, asked = connect(where), time.monotonic()
        assert health(idle)
        for _ in range(2):
            half = connect(where)
            half.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            half.shutdown(socket.SHUT_WR)
            assert answer(half).startswith(b"HTTP/1.1 200")
        if health(idle):
            print("half-closed")
            return
        if time.monotonic() - asked < 9:
            break
    print("another")


what, args = sys.argv[1], sys.argv[2:]
{"names": names, "dead_peer": dead_peer, "slow": slow, "many_of_uid": many_of_uid, "garbage": garbage,
 "half_closed": half_closed, "idle": idle, "flood": flood}[what](*args)
