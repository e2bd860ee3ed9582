"""OpenAPI: the document and the gateway's request models, from Pydantic and the catalogue."""
