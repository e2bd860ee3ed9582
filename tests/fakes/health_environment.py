"""The environment of the health checker, and of what it asks inside the network."""

from __future__ import annotations

HEALTH_ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "DEAD_LETTERS_QUEUE": "dead-letters",
    "OPERATIONS_TENANT": "operations",
    "HEALTH_TABLE": "health",
    "HEALTH_LASTING_CHECKS": "3",
    "ITEMS_TABLE": "items",
    "KEYS_BUCKET": "keys",
    "EVENT_RULE": "events/items",
    "NETWORK_PROBE_FUNCTION": "network-probe:live",
    "RESOURCE_PREFIX": "itemstream-test-",
    "DEAD_LETTERS_OF": "get-item",
    "STREAM_CONSUMERS": "broadcaster=60",
    "QUEUES_CONSUMED": "notifications=900",
    "REST_API_URL": "http://127.0.0.1:9/v1",
    "WEBSOCKET_URL": "ws://127.0.0.1:9/v1",
    "CANARY_TENANT": "canary",
    "CANARY_CLIENT_SECRET": "",
    "TOKEN_SIGNING_SECRET": "token-signing",
    "TOKEN_ISSUER": "urn:test",
    "TOKEN_AUDIENCE": "test",
    # Nobody listens there.
    "DATABASE_HOST": "127.0.0.1",
    "DATABASE_PORT": "9",
    "DATABASE_NAME": "itemstream",
    "DATABASE_USER": "itemstream",
    "DATABASE_SECRET": "",
    "DATABASE_TLS_CA": "",
}
