"""The Redis connection: short time-outs, one per execution environment, IAM on AWS."""
