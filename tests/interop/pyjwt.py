"""pyjwt.py verify ALG KEYFILE AUDIENCE <token | pyjwt.py sign ALG KEYFILE KID SUBJECT: PyJWT as the other side."""
import json
import sys
import time

import jwt
from jwt.algorithms import get_default_algorithms


def load(alg, path):
    with open(path, encoding="ascii") as file:
        doc = json.load(file)
    return get_default_algorithms()[alg].from_jwk(json.dumps(doc))


def main(mode, alg, path, *rest):
    key = load(alg, path)
    if mode == "verify":
        try:
            claims = jwt.decode(sys.stdin.read().strip(), key, algorithms=[alg], audience=rest[0],
                                issuer="https://auth.example.org")
        except jwt.InvalidTokenError as error:
            print(type(error).__name__)
            return 1
        print(claims["preferred_username"])
        return 0
    now = int(time.time())
    print(jwt.encode({"iss": "https://other.example.org", "aud": "them", "sub": rest[1], "iat": now,
                      "exp": now + 300}, key, algorithm=alg, headers={"kid": rest[0]}))
    return 0


sys.exit(main(*sys.argv[1:]))
