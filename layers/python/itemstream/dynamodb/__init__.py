"""DynamoDB plumbing that the adapters of all tables share: attribute values and errors."""
