# The stack on this machine. The emulator has no response cache (its cache cluster fails the apply),
# and its network would guard nothing; the command line passes Redis and MariaDB as `external`.
environment         = "local"
emulated            = true
deletion_protection = false
log_level           = "DEBUG"
log_retention_days  = 7

authorizer_ttl_seconds = 60

# Back soon, so that tests see the end of it.
rate_limits = { reports = { requests = 20, seconds = 20 } }

# Short, so that rotating keys is quick to try.
tokens = { cooldown_seconds = 2 }
