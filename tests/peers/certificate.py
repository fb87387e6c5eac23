# SPDX-License-Identifier: Apache-2.0
import subprocess

from peers.peer import need


def make_certificate(folder, host="localhost"):
    """(certificate, key): PEM files in `folder`, self-signed, for tests of TLS."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run([need("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return certificate, key
