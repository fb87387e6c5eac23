# SPDX-License-Identifier: Apache-2.0
"""Runs a mail server by aiosmtpd: smtp_server.py OPTIONS, as JSON. Mails become lines of `mails`, tries lines of `tries`."""
import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Handler:
    def __init__(self, answers):
        self.answers = list(answers)

    async def handle_DATA(self, server, session, envelope):
        answer = self.answers.pop(0) if self.answers else "250 taken"
        write("tries", answer)
        if answer == "hang":
            await asyncio.sleep(3600)
        if answer.startswith("250"):
            write("mails", {"from": envelope.mail_from, "to": envelope.rcpt_tos, "content": envelope.content.decode("ascii"),
                            "tls": session.ssl is not None, "user": bool(session.authenticated)})
        return answer

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"


def write(name, value):
    with open(name, "a", encoding="ascii") as file:
        file.write(json.dumps(value) + "\n")


async def main(options):
    tls = None
    if options["certificate"]:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*options["certificate"])

    def check(server, session, envelope, mechanism, data):
        right = isinstance(data, LoginPassword) and [data.login.decode(), data.password.decode()] == options["user"]
        return AuthResult(success=right, handled=False)

    handler = Handler(options["answers"])
    starttls = tls if options["security"] == "starttls" else None

    def make():
        return SMTP(handler, hostname="peer.test", tls_context=starttls, require_starttls=starttls is not None,
                    authenticator=check if options["user"] else None, auth_required=bool(options["user"]),
                    auth_require_tls=False)

    server = await asyncio.get_running_loop().create_server(
        make, "127.0.0.1", options["port"], ssl=tls if options["security"] == "tls" else None)
    await server.serve_forever()


asyncio.run(main(json.loads(sys.argv[1])))
