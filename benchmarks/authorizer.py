"""The authorizer with a warm key set, beside nothing but PyJWT verifying the same token."""

from __future__ import annotations

from functools import partial

from benchmarks.measure import MEASURE, Comparison, cpu_of, function_environment, interleaved

SETUP = (
    MEASURE
    + """
import json
from types import SimpleNamespace
from unittest import mock
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
private = ec.generate_private_key(ec.SECP256R1())
public = {**json.loads(ECAlgorithm.to_jwk(private.public_key())), "kid": "k", "alg": "ES256"}
now = int(time.time())
token = jwt.encode({"iss": "https://issuer.example", "aud": "itemstream", "sub": "s", "tenant": "t",
                    "scope": "items:read", "iat": now, "exp": now + 600},
                   private, "ES256", {"kid": "k", "typ": "at+jwt"})
"""
)
BARE = """
key = jwt.PyJWK(public)
measure(lambda: jwt.decode(token, key, algorithms=["ES256"], audience="itemstream",
                           issuer="https://issuer.example"))
"""
AUTHORIZER = """
arn = "arn:aws:execute-api:us-east-1:000000000000:api/v1/GET/items"
context = SimpleNamespace(function_name="bench", function_version="1", aws_request_id="r")
document = json.dumps({"keys": [public]}).encode()
with mock.patch("itemstream.auth.sources.jwks_source", return_value=lambda: document):
    from authorizers import rest
event = {"type": "TOKEN", "authorizationToken": f"Bearer {token}", "methodArn": arn}
"""
WARM = AUTHORIZER + "measure(lambda: rest.handler(event, context))"
COLD_KEYS = (
    AUTHORIZER
    + """
from itemstream.auth.keys import KeySet
def call():
    rest.verifier._keys = KeySet(lambda: document)
    rest.handler(event, context)
measure(call)
"""
)


def main(rounds: int = 9) -> None:
    """Measure and report."""
    environment = function_environment()
    comparison = Comparison("Authorizer", "ms of CPU per call", "PyJWT alone")
    candidates = {
        "PyJWT alone": partial(cpu_of, SETUP + BARE, environment),
        "authorizer, warm keys": partial(cpu_of, SETUP + WARM, environment),
        "authorizer, keys parsed anew": partial(cpu_of, SETUP + COLD_KEYS, environment),
    }
    interleaved(comparison, candidates, rounds).report()


if __name__ == "__main__":
    main()
