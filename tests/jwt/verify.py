"""Verifies tokens with PyJWT, with nothing but our key set.

Usage: verify.py FOLDER, which has jwks.json and NAME.jwt… Prints {NAME: claims, or null for a token that is refused}.
"""

import json
import sys
from pathlib import Path

import jwt


def verify(token, keys):
    header = jwt.get_unverified_header(token)
    if header.get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("another type of token")
    key = keys[header["kid"]]
    return jwt.decode(
        token,
        jwt.PyJWK(key).key,
        algorithms=[key["alg"]],
        issuer="payme",
        audience="payme",
        options={"require": ["iss", "aud", "sub", "iat", "exp"]},
    )


def verified(token, keys):
    try:
        return verify(token, keys)
    except (jwt.PyJWTError, KeyError) as refusal:
        print("refused:", repr(refusal), file=sys.stderr)
        return None


folder = Path(sys.argv[1])
keys = {key["kid"]: key for key in json.loads((folder / "jwks.json").read_text())["keys"]}
tokens = {file.stem: file.read_text() for file in folder.glob("*.jwt")}
print(json.dumps({name: verified(token, keys) for name, token in tokens.items()}))
