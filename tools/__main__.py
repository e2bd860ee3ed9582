"""`python -m tools` is `itemstream`."""

from tools.cli import main

main()
