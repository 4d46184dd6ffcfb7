"""Clients that mean no good, against jwtauthd on PORT or a Unix socket: hostile.py WHAT PORT|SOCKET [...]."""
import os
import socket
import struct
import sys
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


what, args = sys.argv[1], sys.argv[2:]
{"names": names, "dead_peer": dead_peer, "slow": slow, "many_of_uid": many_of_uid, "garbage": garbage}[what](*args)
