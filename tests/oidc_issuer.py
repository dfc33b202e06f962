"""An OpenID Connect issuer on this machine, that signs with real keys."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "kie-gateway"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


class Issuer:
    """
    An issuer on this machine.

    Attributes:
        keys: What it signs with, by key id.
        asked: Paths that were asked for.
        changes: What its discovery document says differently.
        is_down: Whether it answers nothing but errors.
    """

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"rsa": RSA_KEY, "ec": EC_KEY}
        self.asked: list[str] = []
        self.changes: dict[str, str] = {}
        self.is_down = False
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                body = json.dumps(issuer.answer(self.path)).encode()
                self.send_response(500 if issuer.is_down else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/realm"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, path: str) -> dict[str, Any]:
        if path == "/realm/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.changes}
        return {"keys": [public(key_id, key) for key_id, key in self.keys.items()]}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def sign(self, key_id: str | None = "rsa", key: Any = None, **claims: Any) -> str:
        """Sign a good token, but for the claims given; None leaves one out."""
        algorithm = "ES256" if key_id == "ec" else "RS256"
        good = {"iss": self.url, "aud": AUDIENCE, "sub": "alice", "exp": time.time() + 300}
        chosen = {name: value for name, value in (good | claims).items() if value is not None}
        headers = {"kid": key_id} if key_id is not None else {}
        signer = key or self.keys.get(key_id or "", RSA_KEY)
        return jwt.encode(chosen, signer, algorithm=algorithm, headers=headers)


def public(key_id: str, key: Any) -> dict[str, Any]:
    """Write a public key as issuers do."""
    algorithm: Any = (
        jwt.algorithms.ECAlgorithm if key_id.startswith("ec") else jwt.algorithms.RSAAlgorithm
    )
    written: dict[str, Any] = json.loads(algorithm.to_jwk(key.public_key()))
    name = "ES256" if key_id.startswith("ec") else "RS256"
    return written | {"kid": key_id, "use": "sig", "alg": name}
