"""Dead letters looked at and sent back: `itemstream dlq`, on the local stack and on AWS.

Nothing here knows how a stack was made: queues, functions, rules and mappings are asked of AWS by
the names that Terraform gives, so that both places are handled by the same code.
"""
