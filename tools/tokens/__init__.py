"""Access tokens for the local stack and the keys that sign them; the part an issuer has on AWS."""
