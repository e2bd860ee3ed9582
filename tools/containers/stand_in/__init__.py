"""A stand-in for AWS's base image of Python, for machines without Docker: see its Dockerfile."""
