"""A transit engine as strict as the real one: checks token, paths and bodies, encrypts for real."""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vault.standin import Answer, Asked, StandIn, serve

TOKEN = "hvs.test-token"


@dataclass(slots=True)
class TransitEngine:
    """`keys` by version; `mode` plays trouble."""

    keys: dict[int, bytes] = field(default_factory=lambda: {1: os.urandom(32)})
    mode: str = ""
    url: str = ""

    def rotate(self) -> None:
        self.keys[max(self.keys) + 1] = os.urandom(32)

    def answer(self, asked: Asked) -> Answer:
        if self.mode == "sealed":
            return 503, {"errors": ["Vault is sealed"]}
        if self.mode == "odd":
            return 200, {"data": {"ciphertext": "something else", "plaintext": "???"}}
        if asked.headers.get("x-vault-token") != TOKEN:
            return 403, {"errors": ["permission denied"]}
        match asked.method, asked.path:
            case "GET", "/v1/transit/keys/main":
                return 200, {"data": self._described()}
            case (("POST" | "PUT"), "/v1/transit/encrypt/main"):
                return self._encrypt(asked)
            case (("POST" | "PUT"), "/v1/transit/decrypt/main"):
                return self._decrypt(asked)
            case _:
                return 404, {"errors": []}

    def _described(self) -> dict[str, object]:
        return {
            "name": "main",
            "type": "aes256-gcm96",
            "keys": {str(version): 1_700_000_000 for version in self.keys},
            "latest_version": max(self.keys),
            "min_decryption_version": 1,
        }

    def _encrypt(self, asked: Asked) -> Answer:
        if not set(asked.json) <= {"plaintext", "associated_data"}:
            return 400, {"errors": ["unknown parameter"]}
        version, nonce = max(self.keys), os.urandom(12)
        plaintext, associated = (base64.b64decode(asked.json[name]) for name in ("plaintext", "associated_data"))
        body = nonce + AESGCM(self.keys[version]).encrypt(nonce, plaintext, associated)
        ciphertext = f"vault:v{version}:{base64.b64encode(body).decode()}"
        return 200, {"data": {"ciphertext": ciphertext, "key_version": version}}

    def _decrypt(self, asked: Asked) -> Answer:
        if set(asked.json) != {"ciphertext", "associated_data"}:
            return 400, {"errors": ["unknown parameter"]}
        _, version, body = asked.json["ciphertext"].split(":")
        raw, associated = base64.b64decode(body), base64.b64decode(asked.json["associated_data"])
        key = self.keys.get(int(version.removeprefix("v")))
        if key is None:
            return 400, {"errors": ["ciphertext version is disallowed"]}
        try:
            plaintext = AESGCM(key).decrypt(raw[:12], raw[12:], associated)
        except InvalidTag:
            return 400, {"errors": ["cipher: message authentication failed"]}
        return 200, {"data": {"plaintext": base64.b64encode(plaintext).decode()}}


@contextmanager
def transit_engine() -> Iterator[tuple[TransitEngine, StandIn]]:
    engine = TransitEngine()
    with serve(engine.answer) as server:
        engine.url = f"{server.url}/transit/main"
        yield engine, server
