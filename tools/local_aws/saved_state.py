"""State is on disk soon after it changes, not only after a clean stop.

AWS: keeps what it acknowledged.
MiniStack 1.5.33: saves on SIGTERM only, so a crash falls back to the last clean stop; and while it
saves, functions go on changing what is saved already.

A crash may repeat, but should not lose: what is taken from (queues, `keepers`) is saved as it was
before what is written to (tables).
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import persistence

from tools.local_aws.consumption import allowed, arrivals, committing

_INTERVAL_SECONDS = float(os.environ.get("ITEMSTREAM_SAVE_SECONDS", "10"))
# Saving copies everything: with a lot of data it may take no more than this share of the time.
_LARGEST_SHARE = 0.1
_ARRIVAL_SECONDS = 5.0
_ORDER = {"sqs": -1, "dynamodb": 1}

# Each is called before anything is saved, and what it returns after everything is.
keepers: list[Callable[[], Callable[[], None]]] = []

_log = logging.getLogger("itemstream.saved_state")
_saving = threading.Lock()


def apply() -> None:
    """Save in the background while persistence is on, and consume nothing during the last save."""
    app.save_all = _stop_and_save
    if persistence.PERSIST_STATE:
        threading.Thread(target=_save_for_ever, name="itemstream-saved-state", daemon=True).start()


def _stop_and_save(services: dict[str, Any]) -> None:
    arrivals.wait_for_all(_ARRIVAL_SECONDS)
    # What is being written down now comes to its end; nothing begins any more.
    with committing:
        allowed.clear()
    _save(services, goes_on=lambda: True)


def _save_for_ever() -> None:
    pause = _INTERVAL_SECONDS
    while True:
        time.sleep(pause)
        if not allowed.is_set():
            continue
        started = time.monotonic()
        _save(app._build_persistence_save_dict(), goes_on=allowed.is_set)
        pause = max(_INTERVAL_SECONDS, (time.monotonic() - started) / _LARGEST_SHARE)


def _save(services: dict[str, Any], goes_on: Callable[[], bool]) -> None:
    with _saving:
        finish = [begin() for begin in keepers]
        for service in sorted(services, key=lambda name: _ORDER.get(name, 0)):
            if not goes_on():
                return
            try:
                state = services[service]()
            except RuntimeError as changed_meanwhile:
                # A dictionary grew while it was copied; the next round has it.
                _log.debug("%s was not saved: %s", service, changed_meanwhile)
                continue
            if state is not None:
                persistence.save_state(service, state)
        for end in finish:
            end()
