# SPDX-License-Identifier: MIT
"""Visitors of a ringcast with log-in: a user, a static token, and JWTs as an issuer would make them (RFC 7519)."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import time

USER, PASSWORD = "anna", "a password of some length"


def _openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def _private(path, data):
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(data)
    return path


class Issuer:
    """Keys of three kinds in DIRECTORY; `settings` are lines for the configuration."""

    def __init__(self, directory):
        self.keys = {
            "RS256": _private(f"{directory}/rsa.pem", _openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")),
            "ES256": _private(f"{directory}/ec.pem", _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")),
        }
        self.secret = os.urandom(32).hex().encode()
        files = {"HS256": _private(f"{directory}/secret", self.secret)}
        for name, key in self.keys.items():
            files[name] = _private(f"{directory}/{name}.pub", _openssl("pkey", "-in", key, "-pubout"))
        jwt = ", ".join(f'{{ algorithm = "{name}"; key = "{path}"; }}' for name, path in files.items())
        self.settings = f'state_dir = "{directory}/state";\nauth = {{ jwt = ( {jwt} ); }};\n'

    def token(self, algorithm):
        def text(value):
            return base64.urlsafe_b64encode(value).rstrip(b"=")

        claims = {"sub": USER, "exp": int(time.time()) + 3600, "cameras": ["*"]}
        signed = b".".join(text(json.dumps(part).encode()) for part in ({"alg": algorithm, "typ": "JWT"}, claims))
        if algorithm == "HS256":
            signature = hmac.new(self.secret, signed, hashlib.sha256).digest()
        else:
            signature = _openssl("dgst", "-sha256", "-sign", self.keys[algorithm], data=signed)
            signature = _plain(signature) if algorithm == "ES256" else signature
        return (signed + b"." + text(signature)).decode()


def _plain(der):
    """An ECDSA signature as RFC 7518, 3.4, has it: two numbers of 32 bytes, without DER."""
    numbers, at = [], 2
    for _ in range(2):
        length = der[at + 1]
        numbers.append(der[at + 2 : at + 2 + length].lstrip(b"\0").rjust(32, b"\0"))
        at += 2 + length
    return b"".join(numbers)


def _ctl(server, *arguments, data=None):
    command = [os.path.join(server.build, "bin", "ringcastctl"), "--config", server.config, *arguments]
    return subprocess.run(command, input=data, capture_output=True, text=True, check=True).stdout.strip()


def session(server):
    """The cookie of a user who has just logged in."""
    _ctl(server, "user", "add", USER, "--camera", "*", "--password-stdin", data=PASSWORD + "\n")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", "/api/login", json.dumps({"user": USER, "password": PASSWORD}), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    cookie = answer.getheader("Set-Cookie").split(";")[0]
    connection.close()
    return cookie


def static_token(server):
    return _ctl(server, "token", "--camera", "*", "--ttl", "1h")
