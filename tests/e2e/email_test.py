#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The action email with a real mail server."""
import subprocess
import tempfile
import unittest

from engine import Engine, wait_until
from peers.proxy import Proxy
from peers.smtp import SmtpServer

USER = ("eda", "right-password")


def text_of(part):
    return part.get_content().replace("\r\n", "\n")


class Email(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        kept = tempfile.TemporaryDirectory()
        cls.addClassCleanup(kept.cleanup)
        cls.certificate = [f"{kept.name}/cert.pem", f"{kept.name}/key.pem"]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2",
                        "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", cls.certificate[1], "-out", cls.certificate[0]], check=True, capture_output=True)

    def server(self, start=True, **options):
        server = SmtpServer(**options)
        self.addCleanup(server.__exit__)
        if start:
            server.start()
        return server

    def start(self, server, event=None, **settings):
        settings = {"host": "localhost", "port": server.port, "tls": server.options["security"], "from": "eda@example.com",
                    "to": "ann@example.com", **settings}
        return Engine(self, [{"name": "mail", "hosts": "all", "sources": [{"generic": {"payload": [event or {"i": 1}]}}],
                              "rules": [{"name": "mail", "condition": "event.i is defined", "action": {"email": settings}}]}])

    def send(self, server, event=None, **settings):
        """The log, once it has ended."""
        engine = self.start(server, event, **settings)
        engine.wait()
        return engine.log()

    def test_what_is_sent_is_what_was_meant(self):
        server = self.server()
        text = "Grüße,\n.\n..two\r\nthree " + "x" * 2000 + "\n"
        log = self.send(server, {"i": 1, "text": text, "subject": "Größe €" * 30}, to=["Ännchen <ann@example.com>", "bob@example.com"],
                        cc=["cc@example.com"], bcc=["secret@example.com"], subject="{{ event.subject }}",
                        body="{{ event.text }}", html="<p>{{ event.i }}")
        self.assertIn("1 actions run, 0 failed", log)
        mail, = server.mails()
        self.assertEqual(mail["from"], "eda@example.com")
        self.assertEqual(mail["to"], ["ann@example.com", "bob@example.com", "cc@example.com", "secret@example.com"])
        message = mail["message"]
        self.assertEqual(message["Subject"], "Größe €" * 30)
        self.assertEqual([(one.display_name, one.addr_spec) for one in message["To"].addresses],
                         [("Ännchen", "ann@example.com"), ("", "bob@example.com")])
        self.assertNotIn("secret@", mail["content"])
        self.assertEqual(text_of(message.get_body(("plain",))), text.replace("\r\n", "\n"))
        self.assertEqual(text_of(message.get_body(("html",))), "<p>1")
        self.assertEqual(message.defects, [])

    def test_lines_with_dots_in_plain_text(self):
        server = self.server()
        self.send(server, {"i": 1, "text": ".\n..a\nb\n."}, body="{{ event.text }}")
        self.assertEqual(text_of(server.mails()[0]["message"]), ".\n..a\nb\n.\n")

    def test_an_event_adds_no_header_and_no_recipient(self):
        server = self.server()
        foul = "x\r\nBcc: eve@example.com\r\n\r\nbody"
        self.send(server, {"i": 1, "text": foul}, subject="{{ event.text }}", body="{{ event.text }}")
        mail, = server.mails()
        self.assertEqual(mail["to"], ["ann@example.com"])
        self.assertNotIn("Bcc", mail["message"])
        log = self.send(server, {"i": 1, "text": "a@example.com>\r\nRCPT TO:<eve@example.com"}, to="{{ event.text }}")
        self.assertIn("not an address", log)
        self.assertEqual(len(server.mails()), 1)

    def test_authentication_with_starttls(self):
        server = self.server(security="starttls", certificate=self.certificate, user=USER)
        log = self.send(server, authorities=self.certificate[0], username=USER[0], password=USER[1])
        self.assertIn("1 actions run, 0 failed", log)
        mail, = server.mails()
        self.assertTrue(mail["tls"] and mail["user"])
        log = self.send(server, authorities=self.certificate[0], username=USER[0], password="wrong-password")
        self.assertIn("1 failed", log)
        self.assertIn("535", log)
        self.assertNotIn("trying again", log)
        self.assertNotIn("wrong-password", log)

    def test_tls_from_the_beginning(self):
        server = self.server(security="tls", certificate=self.certificate)
        self.assertIn("0 failed", self.send(server, authorities=self.certificate[0]))
        self.assertIn("0 failed", self.send(server, verify=False))
        log = self.send(server)
        self.assertIn("certificate", log)
        self.assertNotIn("trying again", log)
        self.assertEqual(len(server.mails()), 2)

    def test_starttls_that_is_not_offered(self):
        server = self.server()
        log = self.send(server, tls="starttls")
        self.assertIn("1 failed", log)
        self.assertEqual(server.mails(), [])

    def test_a_server_that_cannot_take_it_now(self):
        server = self.server(answers=["451 later", "421 much later"])
        log = self.send(server)
        self.assertIn("1 actions run, 0 failed", log)
        self.assertEqual(log.count("trying again"), 2)
        self.assertIn("the server says: 451 later", log)
        self.assertEqual(len(server.mails()), 1)

    def test_a_server_that_refuses_it(self):
        server = self.server(answers=["554 no"])
        log = self.send(server)
        self.assertIn("the server says: 554 no", log)
        self.assertIn("550 no such user", self.send(server, to=["ann@example.com", "refused@example.com"]))
        self.assertEqual((len(server.tries()), server.mails()), (1, []))

    def test_a_server_that_is_away(self):
        server = self.server(start=False)
        engine = self.start(server)
        engine.wait_for_log("trying again")
        server.start()
        wait_until(server.mails)
        self.assertEqual(engine.wait(), 0)
        server.kill()
        self.assertIn("1 failed", self.send(server, retries=0))

    def test_a_server_that_does_not_answer(self):
        server = self.server()
        with Proxy(server.port) as proxy:
            proxy.freeze()
            log = self.send(server, port=proxy.port, timeout=0.5, retries=0)
            self.assertIn("no answer within 0.5 seconds", log)
            engine = self.start(server, port=proxy.port, timeout=1, retries=0)
            wait_until(lambda: proxy.connections >= 2)
            self.assertEqual(engine.wait(10), 0)

    def test_a_server_that_does_not_say_whether_it_has_taken_it(self):
        server = self.server(answers=["hang"])
        engine = self.start(server, timeout=1, retries=0)
        self.assertEqual(engine.wait(10), 0)
        self.assertIn("no answer within 1 seconds", engine.log())


if __name__ == "__main__":
    unittest.main()
