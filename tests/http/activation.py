"""activation.py TCP_PORT: holds jwtauthd's sockets as systemd does, and starts it again under requests.

The daemon is told of the sockets by LISTEN_FDS and LISTEN_PID (sd_listen_fds(3)) and tells of itself by NOTIFY_SOCKET
(sd_notify(3)). No connection may be lost: who connects while none runs waits in the backlog.
"""
import http.client
import os
import signal
import socket
import sys
import threading

SOCKET = "/run/jwtauth/jwtauthd.sock"
ROUNDS = 4


def listeners(port):
    if os.path.exists(SOCKET):
        os.unlink(SOCKET)
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(SOCKET)
    os.chmod(SOCKET, 0o666)
    tcp = socket.socket()
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind(("127.0.0.1", port))
    for s in (unix, tcp):
        s.listen(1024)
    return unix, tcp


def start(passed, notify_path):
    pid = os.fork()
    if pid:
        return pid
    # far away first, so that no duplicate overwrites one that is still to come
    high = [os.dup2(s.fileno(), 100 + i) for i, s in enumerate(passed)]
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i, inheritable=True)
    os.environ.update(LISTEN_FDS=str(len(passed)), LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=notify_path)
    log = os.open("/run/activated.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    os.closerange(3 + len(passed), 200)
    os.execv("/usr/sbin/jwtauthd", ["/usr/sbin/jwtauthd"])


def expect(notify, word):
    got = notify.recv(4096).decode()
    if word not in got.split("\n"):
        sys.exit(f"{got!r} instead of {word}")


def ask(port, done, failed, stop, counted):
    while not stop.is_set():
        try:
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            c.request("GET", "/healthz", headers={"Connection": "close"})
            status = c.getresponse().status
            c.close()
            if status == 200:
                done.append(1)
                counted.release()
            else:
                failed.append(status)
        except OSError as e:
            failed.append(repr(e))


def main():
    port = int(sys.argv[1])
    passed = listeners(port)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind("/run/notify")
    notify.settimeout(60)
    pid = start(passed, "/run/notify")
    expect(notify, "READY=1")
    done, failed, stop, counted = [], [], threading.Event(), threading.Semaphore(0)
    clients = [threading.Thread(target=ask, args=(port, done, failed, stop, counted)) for _ in range(8)]
    for c in clients:
        c.start()
    for _ in range(ROUNDS):
        for _ in range(50):
            counted.acquire()
        os.kill(pid, signal.SIGTERM)
        expect(notify, "STOPPING=1")
        if os.waitpid(pid, 0)[1] != 0:
            sys.exit("jwtauthd did not end with 0")
        if not os.path.exists(SOCKET):
            sys.exit("jwtauthd removed a socket that is not its own")
        pid = start(passed, "/run/notify")
        expect(notify, "READY=1")
    for _ in range(50):
        counted.acquire()
    stop.set()
    for c in clients:
        c.join()
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    print(f"{len(done)} answered, {len(failed)} lost: {failed[:5]}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
