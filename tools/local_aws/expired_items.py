"""What expires leaves its table soon, and its stream tells so.

AWS: deletes expired items within a few days, and their stream records are deletions by the
principal ``dynamodb.amazonaws.com``, named as an event of Lambda or as GetRecords names it
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html,
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html,
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Identity.html).
An attribute that is no number, or lies more than five years back, expires nothing.
MiniStack 1.5.33: looks once a minute, and leaves no stream record.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import _request_account_id, _request_region, json_response
from ministack.services import dynamodb, dynamodb_streams

_LOOK_SECONDS = float(os.environ.get("ITEMSTREAM_EXPIRY_SECONDS", "5"))
_LONGEST_PAST_SECONDS = 5 * 365 * 24 * 60 * 60
_IDENTITY = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
_IDENTITY_IN_RECORDS = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}

# MiniStack's own thread, which would take items away unseen.
_ITS_THREAD = "dynamodb-ttl-reaper"
_OUR_THREAD = "itemstream-expired-items"

_log = logging.getLogger("itemstream.expired_items")


def apply() -> None:
    """Patch ``ministack.services`` and delete in a thread of our own."""
    build = dynamodb._build_change_record
    remove = dynamodb._remove_item
    get_records = dynamodb_streams._get_records

    def build_with_identity(*args: Any, **kwargs: Any) -> Any:
        record = build(*args, **kwargs)
        if threading.current_thread().name == _OUR_THREAD:
            record["userIdentity"] = _IDENTITY
        return record

    def remove_if_ours(*args: Any, **kwargs: Any) -> Any:
        if threading.current_thread().name == _ITS_THREAD:
            return None
        return remove(*args, **kwargs)

    def get_records_with_identity(data: dict[str, Any]) -> Any:
        status, _, body = answer = get_records(data)
        if status != 200 or b'"userIdentity"' not in body:
            return answer
        document = json.loads(body)
        for record in document["Records"]:
            if "userIdentity" in record:
                record["userIdentity"] = _IDENTITY_IN_RECORDS
        return json_response(document)

    dynamodb_streams._get_records = get_records_with_identity
    dynamodb._build_change_record = build_with_identity
    dynamodb._remove_item = remove_if_ours
    threading.Thread(target=_delete_for_ever, name=_OUR_THREAD, daemon=True).start()


def _delete_for_ever() -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        for (account, region, table_name), setting in dynamodb._ttl_settings.all_items():
            if setting.get("TimeToLiveStatus") != "ENABLED":
                continue
            _request_account_id.set(account)
            _request_region.set(region)
            try:
                _delete_expired(table_name, setting["AttributeName"])
            except Exception:
                # It changed meanwhile, or a defect here; the next round tries again.
                _log.exception("What expired in %s is still there", table_name)


def _delete_expired(table_name: str, attribute: str) -> None:
    table = dynamodb._tables.get(table_name)
    # One by one: what was looked at is deleted before a request can change it.
    for partition_key, sort_key in _expired(table, attribute) if table else ():
        item = dynamodb._remove_item(table, partition_key, sort_key)
        dynamodb._emit_stream_event(table_name, "REMOVE", item, None)


def _expired(table: dict[str, Any], attribute: str) -> Iterator[tuple[Any, Any]]:
    now = time.time()
    for partition_key, items in list(table["items"].items()):
        for sort_key in list(items):
            expires_at = items.get(sort_key, {}).get(attribute, {}).get("N")
            if expires_at and now - _LONGEST_PAST_SECONDS < float(expires_at) <= now:
                yield partition_key, sort_key
