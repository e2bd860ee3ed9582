"""Notifications: what people are told of events, once for each.

An event is rendered from templates (``templates``) into a notification (``model``) and published to
a topic (``sns``), at most once (``once``).
"""
