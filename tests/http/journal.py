"""journal.py FILE: stands in for systemd's journal at /run/systemd/journal/socket: each entry of its native protocol
(systemd.io/JOURNAL_NATIVE_PROTOCOL) becomes one line of JSON in FILE."""
import json
import os
import socket
import struct
import sys

PATH = "/run/systemd/journal/socket"


def parse(data):
    entry = {}
    while data:
        line, _, data = data.partition(b"\n")
        name, equal, value = line.partition(b"=")
        if not equal:  # binary form: a length of 64 bits, the value, a newline
            (size,) = struct.unpack("<Q", data[:8])
            value, data = data[8:8 + size], data[9 + size:]
        entry.setdefault(name.decode(), []).append(value.decode())
    return entry


os.makedirs(os.path.dirname(PATH), exist_ok=True)
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(PATH)
with open(sys.argv[1], "w", encoding="utf-8") as f:
    while True:
        f.write(json.dumps(parse(s.recv(1 << 20))) + "\n")
        f.flush()
