"""The certificate that the canary shows where an API asks clients for one (mutual TLS)."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from itemstream.config.secrets import json_secret

if TYPE_CHECKING:
    import ssl

__all__ = ["show_certificate"]


def show_certificate(context: ssl.SSLContext, secret_id: str) -> None:
    """
    Have the connections of `context` show the certificate of a secret.

    Parameters
    ----------
    context
        Of a client.
    secret_id
        Name or ARN of the secret, a JSON object with ``certificate`` (and the chain that leads to
        what the API trusts) and ``private_key``, both in PEM.

    Raises
    ------
    DependencyUnavailable
        If Secrets Manager does not answer.
    KeyError, ssl.SSLError
        If the secret holds no certificate, or one that its key does not fit.
    """
    secret = json_secret(secret_id)
    # OpenSSL reads certificates from files only.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{secret['private_key']}\n{secret['certificate']}\n")
        file.flush()
        context.load_cert_chain(file.name)
