"""What a call says between the lines: which route, how it ended, how long it felt, who made it."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

__all__ = ["agent_family", "anonymised", "latency_class", "outcome", "path_template"]

_OUTCOMES = {
    1: "informational",
    2: "success",
    3: "redirection",
    4: "client_error",
    5: "server_error",
}

# Upper bounds in ms (Nielsen's limits of attention, with one more step below the first second).
_LATENCIES = ((100, "instant"), (300, "fast"), (1000, "noticeable"), (10_000, "slow"))

# The first that is found counts: most browsers name each other. (MDN, "Browser detection using the
# user agent".) Programs come first, as they may carry a browser's name as well.
_AGENTS = (
    (re.compile(r"bot\b|crawl|spider|slurp", re.IGNORECASE), "bot"),
    (re.compile(r"^boto|^aws-(sdk|cli)", re.IGNORECASE), "aws-sdk"),
    (re.compile(r"^python-requests/", re.IGNORECASE), "python-requests"),
    (re.compile(r"^python-httpx/", re.IGNORECASE), "httpx"),
    (re.compile(r"aiohttp/", re.IGNORECASE), "aiohttp"),
    (re.compile(r"^python-urllib", re.IGNORECASE), "urllib"),
    (re.compile(r"^okhttp/", re.IGNORECASE), "okhttp"),
    (re.compile(r"^axios/", re.IGNORECASE), "axios"),
    (re.compile(r"^(node-fetch|undici|node)\b", re.IGNORECASE), "node"),
    (re.compile(r"^go-http-client/", re.IGNORECASE), "go"),
    (re.compile(r"^(java|apache-httpclient)/", re.IGNORECASE), "java"),
    (re.compile(r"^(curl|libcurl)/", re.IGNORECASE), "curl"),
    (re.compile(r"^wget/", re.IGNORECASE), "wget"),
    (re.compile(r"^postmanruntime/", re.IGNORECASE), "postman"),
    (re.compile(r"\bEdg(e|A|iOS)?/"), "edge"),
    (re.compile(r"\b(OPR|Opera)\b"), "opera"),
    (re.compile(r"\b(Firefox|FxiOS)/"), "firefox"),
    (re.compile(r"\b(Chrome|CriOS|Chromium)/"), "chrome"),
    (re.compile(r"\bSafari/"), "safari"),
)

# A segment of a path that names one thing among many: a number, a UUID, a ULID, a hash, an e-mail
# address, or any long word with a digit in it.
_IDENTIFIER = re.compile(
    r"""
    [0-9]+
    | [0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}
    | (?=[^/]*[0-9])[0-9a-fA-F]{8,}
    | (?=[^/]*[0-9])[A-Za-z0-9_=-]{16,}
    | [A-Za-z]{1,8}[_-][0-9]+
    | [^/@]+(?:@|%40)[^/@]+
    """,
    re.VERBOSE,
)


@lru_cache(maxsize=4096)
def path_template(path: str) -> str:
    """Return a path with ``{id}`` for what names one thing, such as ``/orders/{id}/lines``."""
    return "/".join(
        "{id}" if _IDENTIFIER.fullmatch(segment) else segment for segment in path.split("/")
    )


def outcome(status_code: int) -> str:
    """Return what a status code's first digit means (RFC 9110, section 15)."""
    return _OUTCOMES[status_code // 100]


def latency_class(duration_ms: int) -> str:
    """Return how long a call felt: instant, fast, noticeable, slow or stuck."""
    return next((name for bound, name in _LATENCIES if duration_ms < bound), "stuck")


@lru_cache(maxsize=1024)
def agent_family(user_agent: str | None) -> str:
    """Return the browser's or SDK's family: ``unknown`` without a header, else ``other``."""
    if user_agent is None:
        return "unknown"
    return next((family for pattern, family in _AGENTS if pattern.search(user_agent)), "other")


@lru_cache(maxsize=4096)
def anonymised(address: str) -> str:
    """
    Return the network of an IP address: 24 bits of an IPv4 address, 48 of an IPv6 one.

    Raises
    ------
    ValueError
        If it is no IP address.
    """
    parsed: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = 24 if isinstance(parsed, IPv4Address) else 48
    # A zone, as in fe80::1%eth0, is the sender's own.
    plain = str(parsed).partition("%")[0]
    return str(ip_network(f"{plain}/{bits}", strict=False))
