#!/usr/bin/python3
"""A captcha service on loopback: siteverify.py FOLDER [CERTIFICATE KEY].

Writes FOLDER/port when it listens; each question is FOLDER/N.json: path, type, form (pairs, decoded).  A response
"good..." is right once.  FOLDER/mode, read anew each time, makes it strange: "silent", "endless", "redirect URL", or
"STATUS TEXT" to answer that.
"""
import http.server
import json
import os
import ssl
import sys
import threading
import urllib.parse

folder = sys.argv[1]
lock = threading.Lock()
seen = set()
count = 0


def mode():
    try:
        with open(os.path.join(folder, "mode"), encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def note(self):
        global count
        pairs = urllib.parse.parse_qsl(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode(),
                                       keep_blank_values=True, strict_parsing=True)
        with lock:
            count += 1
            name = os.path.join(folder, f"{count}.json")
        with open(name + ".new", "w", encoding="utf-8") as f:
            json.dump({"path": self.path, "type": self.headers["Content-Type"], "form": pairs}, f)
        os.rename(name + ".new", name)
        return dict(pairs)

    def do_POST(self):
        form, m = self.note(), mode()
        if m == "silent":
            self.rfile.read(1)  # until the client is gone
            self.close_connection = True
        elif m == "endless":
            self.endless()
        elif m.startswith("redirect "):
            self.say(302, b'{"success": true}', m.split()[1])
        elif m:
            status, text = m.split(" ", 1)
            self.say(int(status), text.encode())
        else:
            with lock:
                good = form["secret"] == "it & is = 100% secret" and form["response"].startswith("good") \
                    and form["response"] not in seen
                seen.add(form["response"])
            self.say(200, json.dumps({"success": good, "hostname": "localhost"}).encode())

    def endless(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"1000\r\n" + b" " * 4096 + b"\r\n")
        except OSError:
            self.close_connection = True

    def say(self, status, text, location=None):
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *a):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if len(sys.argv) > 2:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(os.path.join(folder, "port.new"), "w", encoding="utf-8") as f:
    f.write(str(server.server_address[1]))
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
server.serve_forever()
