"""The local stack: MiniStack, the Lambda host and Redis, and the Terraform applied to them."""
