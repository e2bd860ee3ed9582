"""The command line, the local stack and packaging. Nothing here is deployed to AWS."""
