"""Idle connections outlive those who may use them again.

AWS: SDKs keep a connection for their next call, that of Go, Terraform's, for up to 90 seconds
(https://docs.aws.amazon.com/sdk-for-go/v2/developer-guide/configure-http.html), and repeat a
call whose connection was lost.
MiniStack 1.5.33: closes a connection that was idle for 75 seconds, even if a request arrives at
that moment. The request is carried out and not answered, the SDK repeats it, and what should be
created is said to exist: an apply fails (CreateResource 409, CreateAlias 409).
"""

from hypercorn.config import Config

SECONDS = 3600


def apply() -> None:
    """Patch ``hypercorn.config.Config``, on whose instances MiniStack sets its own 75 seconds."""
    Config.keep_alive_timeout = property(lambda _: SECONDS, lambda *_: None)
