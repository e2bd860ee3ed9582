"""Call records: who called a server, when and how it went; from files to what the API shows.

A file's lines are kept raw in bronze. Each line then becomes one of three things, and stays it:
a call in silver, a reject with its reason, or a repeat of a call that silver has already. So for
every file, lines = silver + rejected + repeats.

Errors
------
::

    CallError
    ├── CallNotFound        no such call in this tenant
    └── NotClean            a raw record that cannot become a call; says why
"""

from __future__ import annotations

from itemstream.calls.model import CallError, CallNotFound, NotClean

__all__ = ["CallError", "CallNotFound", "NotClean"]
