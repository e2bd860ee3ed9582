"""The AsyncAPI document and the frames' JSON Schemas, generated and committed in ``asyncapi/``."""
