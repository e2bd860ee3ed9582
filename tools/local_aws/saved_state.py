"""State is on disk soon after it changes, not only after a clean stop.

AWS: keeps what it acknowledged.
MiniStack 1.5.33: saves on SIGTERM only, so a crash falls back to the last clean stop; and it saves
the positions of stream consumers but not the records, so that after a restart the first records
are skipped.
"""

import logging
import os
import threading
import time
from collections.abc import Callable

from ministack import app
from ministack.core import persistence
from ministack.services import lambda_svc

_INTERVAL_SECONDS = float(os.environ.get("ITEMSTREAM_SAVE_SECONDS", "10"))
# Saving copies everything: with a lot of data it may take no more than this share of the time.
_LARGEST_SHARE = 0.1

_log = logging.getLogger("itemstream.saved_state")


def apply() -> None:
    """Save in the background while persistence is on, and forget stream positions on loading."""
    restore = lambda_svc._restore_esm_positions

    def restore_but_streams(store: object, positions: object) -> None:
        if store is not lambda_svc._dynamodb_stream_positions:
            restore(store, positions)

    lambda_svc._restore_esm_positions = restore_but_streams
    persistence.save_state = _one_at_a_time(persistence.save_state)
    if persistence.PERSIST_STATE:
        threading.Thread(target=_save_for_ever, name="itemstream-saved-state", daemon=True).start()


def _one_at_a_time(save: Callable[[str, object], None]) -> Callable[[str, object], None]:
    """Keep the save of a clean stop and ours from writing the same temporary file."""
    lock = threading.Lock()

    def save_alone(service: str, state: object) -> None:
        with lock:
            save(service, state)

    return save_alone


def _save_for_ever() -> None:
    pause = _INTERVAL_SECONDS
    while True:
        time.sleep(pause)
        started = time.monotonic()
        for service, get_state in app._build_persistence_save_dict().items():
            try:
                state = get_state()
            except RuntimeError as changed_meanwhile:
                # A dictionary grew while it was copied; the next round has it.
                _log.debug("%s was not saved: %s", service, changed_meanwhile)
                continue
            if state is not None:
                persistence.save_state(service, state)
        pause = max(_INTERVAL_SECONDS, (time.monotonic() - started) / _LARGEST_SHARE)
