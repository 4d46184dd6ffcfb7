#!/usr/bin/python3
"""A real HTTPS server on loopback that records what it is sent.

http_server.py FOLDER --cert FILE --key FILE [--status CODE] [--redirect URL] [--big BYTES] [--plain]
               [--file FILE] [--etag ETAG] [--cache CACHE-CONTROL]
Writes FOLDER/port when it listens; each request is FOLDER/N.json: method, path, headers (as pairs), body.
"""
import argparse
import http.server
import json
import os
import ssl

p = argparse.ArgumentParser()
p.add_argument("folder")
p.add_argument("--cert")
p.add_argument("--key")
p.add_argument("--status", type=int, default=200)
p.add_argument("--redirect")
p.add_argument("--big", type=int, default=0)
p.add_argument("--plain", action="store_true")
p.add_argument("--file", help="what is answered, as it is then")
p.add_argument("--etag")
p.add_argument("--cache")
args = p.parse_args()
os.makedirs(args.folder, exist_ok=True)
count = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def take(self):
        global count
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        count += 1
        name = os.path.join(args.folder, f"{count}.json")
        with open(name + ".new", "w", encoding="utf-8") as f:
            json.dump({"method": self.command, "path": self.path, "headers": self.headers.items(),
                       "body": body.decode()}, f)
        os.rename(name + ".new", name)
        answer = b"x" * args.big or b"{}"
        status = 302 if args.redirect else args.status
        if args.file:
            with open(args.file, "rb") as f:
                answer = f.read()
        if args.etag and self.headers.get("If-None-Match") == args.etag:
            status, answer = 304, b""
        self.send_response(status)
        if args.etag:
            self.send_header("ETag", args.etag)
        if args.cache:
            self.send_header("Cache-Control", args.cache)
        if args.redirect:
            self.send_header("Location", args.redirect)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET = take

    def log_message(self, *a):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if not args.plain:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(args.cert, args.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(os.path.join(args.folder, "port.new"), "w", encoding="utf-8") as f:
    f.write(str(server.server_address[1]))
os.rename(os.path.join(args.folder, "port.new"), os.path.join(args.folder, "port"))
server.serve_forever()
