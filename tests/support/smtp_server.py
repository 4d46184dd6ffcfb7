#!/usr/bin/python3
"""A real SMTP server (aiosmtpd) on loopback that records what it is told.

smtp_server.py FOLDER [--tls starttls|implicit|none] [--cert FILE --key FILE] [--auth USER:PASSWORD]
               [--refuse mail|rcpt|data:CODE] [--drop] [--silent]
Writes FOLDER/port when it listens; each accepted message is FOLDER/N.eml (as received, with the envelope in
FOLDER/N.json); FOLDER/dialogue has one line a command.
--drop: closes in the middle of DATA the first time.  --silent: never answers.
"""
import argparse
import asyncio
import json
import os
import ssl

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

p = argparse.ArgumentParser()
p.add_argument("folder")
p.add_argument("--tls", default="starttls")
p.add_argument("--cert")
p.add_argument("--key")
p.add_argument("--auth")
p.add_argument("--refuse", default="")
p.add_argument("--drop", action="store_true")
p.add_argument("--silent", action="store_true")
args = p.parse_args()
os.makedirs(args.folder, exist_ok=True)


def note(line):
    with open(os.path.join(args.folder, "dialogue"), "a", encoding="utf-8") as f:
        f.write(line + "\n")


def refusal(stage):
    name, _, code = args.refuse.partition(":")
    return f"{code} refused by the test" if name == stage else None


class Handler:
    def __init__(self):
        self.count = 0

    async def handle_MAIL(self, server, session, envelope, address, options):
        note(f"MAIL {address}")
        if refusal("mail"):
            return refusal("mail")
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        note(f"RCPT {address}")
        if refusal("rcpt"):
            return refusal("rcpt")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        note(f"DATA {len(envelope.original_content)}")
        if refusal("data"):
            return refusal("data")
        self.count += 1
        name = os.path.join(args.folder, str(self.count))
        with open(name + ".eml.new", "wb") as f:
            f.write(envelope.original_content)
        with open(name + ".json", "w", encoding="utf-8") as f:
            json.dump({"from": envelope.mail_from, "to": envelope.rcpt_tos, "user": getattr(session, "user", None),
                       "tls": server.transport.get_extra_info("cipher") is not None}, f)
        os.rename(name + ".eml.new", name + ".eml")
        return "250 taken"


class Server(SMTP):
    async def smtp_DATA(self, arg):
        if args.drop and not os.path.exists(os.path.join(args.folder, "dropped")):
            await self.push("354 go on")
            await self._reader.readline()
            with open(os.path.join(args.folder, "dropped"), "w", encoding="utf-8"):
                pass
            note("DROPPED")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)

    async def smtp_AUTH(self, arg):
        note("AUTH")
        await super().smtp_AUTH(arg)

    async def smtp_STARTTLS(self, arg):
        note("STARTTLS")
        await super().smtp_STARTTLS(arg)


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and f"{data.login.decode()}:{data.password.decode()}" == args.auth
    if good:
        session.user = data.login.decode()
    return AuthResult(success=good, handled=False)


def context():
    c = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    c.load_cert_chain(args.cert, args.key)
    return c


async def swallow(reader, writer):
    note("CONNECT")
    await reader.read()


async def main():
    loop = asyncio.get_running_loop()
    handler = Handler()
    tls = context() if args.tls != "none" and not args.silent else None

    def factory():
        return Server(handler, hostname="localhost", enable_SMTPUTF8=True,
                      tls_context=tls if args.tls == "starttls" else None,
                      require_starttls=args.tls == "starttls",
                      authenticator=authenticate if args.auth else None, auth_required=bool(args.auth),
                      auth_require_tls=args.tls == "starttls")

    if args.silent:
        server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    else:
        server = await loop.create_server(factory, "127.0.0.1", 0, ssl=tls if args.tls == "implicit" else None)
    port = server.sockets[0].getsockname()[1]
    with open(os.path.join(args.folder, "port.new"), "w", encoding="utf-8") as f:
        f.write(str(port))
    os.rename(os.path.join(args.folder, "port.new"), os.path.join(args.folder, "port"))
    async with server:
        await server.serve_forever()


asyncio.run(main())
