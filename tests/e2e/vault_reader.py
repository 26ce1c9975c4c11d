"""Reads a vault by docs/vault.md alone: hashlib's scrypt and the AES of `cryptography`."""
import hashlib
import json
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KINDS = ("passphrase", "file", "machine")


def take_apart(data):
    """The fields of the header, checked as the documentation says."""
    magic, version, kind, log2_n, r, p, flags, zero = struct.unpack_from("<8sBBBBBB2s", data)
    assert magic == b"LEATVLT\x1a" and version == 1 and flags <= 1 and zero == bytes(2)
    salt, check, nonce = data[16:32], data[32:48], data[48:60]
    body_len, = struct.unpack_from("<I", data, 60)
    assert data[64:72] == hashlib.sha256(data[:64]).digest()[:8]
    assert len(data) == 72 + body_len + 16
    return {"kind": KINDS[kind], "n": 1 << log2_n, "r": r, "p": p, "flags": flags, "salt": salt, "check": check,
            "nonce": nonce}


def items(data, secret):
    """{(kind, name): value} of a vault's bytes, unlocked by a passphrase's or a key file's bytes."""
    head = take_apart(data)
    derived = hashlib.scrypt(secret, salt=head["salt"], n=head["n"], r=head["r"], p=head["p"],
                             maxmem=256 << 20, dklen=48)
    assert derived[32:] == head["check"], "the wrong passphrase or key"
    body = AESGCM(derived[:32]).decrypt(head["nonce"], data[72:], data[:72])
    found = json.loads(body)["items"]
    named = {(item["kind"], item["name"]): item["value"] for item in found}
    assert len(named) == len(found)
    assert head["flags"] == any(kind == "default" for kind, _ in named)
    return named


def write(rows, secret, log2_n=15):
    """The bytes of a vault locked by a passphrase, as another program would write them."""
    salt, nonce = bytes(range(16)), bytes(range(12))
    derived = hashlib.scrypt(secret, salt=salt, n=1 << log2_n, r=8, p=1, maxmem=256 << 20, dklen=48)
    body = json.dumps({"items": [{"kind": kind, "name": name, "value": value}
                                 for (kind, name), value in sorted(rows.items())]}).encode()
    flags = any(kind == "default" for kind, _ in rows)
    head = struct.pack("<8sBBBBBB2s", b"LEATVLT\x1a", 1, 0, log2_n, 8, 1, flags, bytes(2))
    head += salt + derived[32:] + nonce + struct.pack("<I", len(body))
    head += hashlib.sha256(head).digest()[:8]
    return head + AESGCM(derived[:32]).encrypt(nonce, body, head)
