"""Itemstream's shared package: what every Lambda function of the platform builds on.

Rooms by meaning: ``items`` (the item itself), ``idempotency`` (one answer per key), ``api`` (HTTP
in and out), ``auth`` (tokens to principals), ``dependencies`` (what may be away),
``observability``, ``config``; and the plumbing of the adapters: ``dynamodb``, ``cache``.
"""
