"""The JSON Schemas of events, generated from models and committed in ``events/``."""
