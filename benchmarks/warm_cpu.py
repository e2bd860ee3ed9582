"""CPU time of a warm call, beside the barest boto3 handler that makes the same table calls.

Tables are a MiniStack of the benchmark's own; only the caller's CPU is counted. The floor parses
the body, makes the call and dumps the answer: no validation, no tags, no logs, no metrics.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.local_tables import local_tables
from benchmarks.measure import MEASURE, Comparison, cpu_of, function_environment, interleaved

if TYPE_CHECKING:
    from collections.abc import Callable

HIGHEST_RATIO = 1.5

CONTENT = {
    "name": "Oak table",
    "description": "Seats eight. " * 20,
    "category": "furniture",
    "status": "active",
    "price": {"amount": 129900, "currency": "EUR"},
    "quantity": 3,
    "tags": ["oak", "handmade", "large"],
    "attributes": {"width": "180 cm", "height": "75 cm"},
}

EVENT = f"""{MEASURE}
import json, uuid
from types import SimpleNamespace
context = SimpleNamespace(
    function_name="bench", function_version="1", aws_request_id=str(uuid.uuid4())
)
content = {json.dumps(CONTENT)!r}

def event(method, resource, item_id=None, **headers):
    return {{
        "httpMethod": method, "resource": resource,
        "headers": {{"Content-Type": "application/json", **headers}},
        "multiValueQueryStringParameters": None,
        "pathParameters": {{"id": item_id}} if item_id else None,
        "body": content if method in ("POST", "PUT") else None,
        "requestContext": {{"requestId": str(uuid.uuid4()), "authorizer": {{
            "tenant": "bench", "subject": "bench", "scopes": "items:read items:write"}}}},
    }}
"""

MAKE_ONE = """
from functions.crud import create_item
made = json.loads(create_item.handler(event("POST", "/items"), context)["body"])
"""

OURS = {
    "create_item": """
from functions.crud import create_item
measure(lambda: create_item.handler(event("POST", "/items"), context))
""",
    "create_item with a key": """
from functions.crud import create_item
def call():
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    return create_item.handler(event("POST", "/items", **headers), context)
measure(call)
""",
    "get_item": f"""{MAKE_ONE}
from functions.crud import get_item
measure(lambda: get_item.handler(event("GET", "/items/{{id}}", made["id"]), context))
""",
    "update_item": f"""{MAKE_ONE}
from functions.crud import update_item
headers = {{"If-Match": "*"}}
def call():
    answer = update_item.handler(event("PUT", "/items/{{id}}", made["id"], **headers), context)
    assert answer["statusCode"] == 200, answer
measure(call)
""",
    "delete_item": """
from functions.crud import create_item, delete_item
made = [json.loads(create_item.handler(event("POST", "/items"), context)["body"])["id"]
        for _ in range(320)]
headers = {"If-Match": "*"}
measure(lambda: delete_item.handler(
    event("DELETE", "/items/{id}", made.pop(), **headers), context))
""",
}

BARE_SETUP = """
import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
client = boto3.client("dynamodb")
serialize, deserialize = TypeSerializer().serialize, TypeDeserializer().deserialize
def row(item_id):
    fields = {"pk": "bench#0", "sk": item_id, "version": 1, **json.loads(content)}
    return {name: serialize(value) for name, value in fields.items()}
def plain(item):
    return {name: deserialize(value) for name, value in item.items()}
def dumps(value):
    return json.dumps(value, default=int)
one = str(uuid.uuid4())
client.put_item(TableName="items", Item=row(one))
key = {"pk": {"S": "bench#0"}, "sk": {"S": one}}
"""

BARE = {
    "create_item": """
def handler(event, context):
    client.put_item(TableName="items", Item=row(str(uuid.uuid4())),
                    ConditionExpression="attribute_not_exists(pk)")
    return {"statusCode": 201, "body": event["body"]}
measure(lambda: handler(event("POST", "/items"), context))
""",
    "create_item with a key": """
def handler(event, context):
    record = {"pk": {"S": str(uuid.uuid4())}, "body": {"S": event["body"]}}
    client.transact_write_items(TransactItems=[
        {"Put": {"TableName": "items", "Item": row(str(uuid.uuid4())),
                 "ConditionExpression": "attribute_not_exists(pk)"}},
        {"Put": {"TableName": "idempotency", "Item": record,
                 "ConditionExpression": "attribute_not_exists(pk)"}}])
    return {"statusCode": 201, "body": event["body"]}
measure(lambda: handler(event("POST", "/items"), context))
""",
    "get_item": """
def handler(event, context):
    item = client.get_item(TableName="items", Key=key, ConsistentRead=True)["Item"]
    return {"statusCode": 200, "body": dumps(plain(item))}
measure(lambda: handler(event("GET", "/items/{id}", one), context))
""",
    "update_item": """
def handler(event, context):
    fields = json.loads(event["body"])
    answer = client.update_item(
        TableName="items", Key=key, ReturnValues="ALL_NEW",
        UpdateExpression="SET " + ", ".join(f"#{n} = :{n}" for n in fields),
        ConditionExpression="attribute_exists(pk)",
        ExpressionAttributeNames={f"#{n}": n for n in fields},
        ExpressionAttributeValues={f":{n}": serialize(v) for n, v in fields.items()})
    return {"statusCode": 200, "body": dumps(plain(answer["Attributes"]))}
measure(lambda: handler(event("PUT", "/items/{id}", one), context))
""",
    "delete_item": """
made = [str(uuid.uuid4()) for _ in range(320)]
for item_id in made:
    client.put_item(TableName="items", Item=row(item_id))
def handler(event, context):
    client.delete_item(TableName="items", ConditionExpression="attribute_exists(pk)",
                       Key={"pk": {"S": "bench#0"}, "sk": {"S": made.pop()}})
    return {"statusCode": 204}
measure(lambda: handler(event("DELETE", "/items/{id}", one), context))
""",
}


def main(rounds: int = 7) -> None:
    """Measure and report."""
    with local_tables() as endpoint:
        environment = function_environment(endpoint)
        candidates: dict[str, Callable[[], float]] = {}
        for name in OURS:
            bare, ours = EVENT + BARE_SETUP + BARE[name], EVENT + OURS[name]
            candidates[f"bare {name}"] = partial(cpu_of, bare, environment)
            candidates[name] = partial(cpu_of, ours, environment)
        comparison = Comparison(
            "Warm CPU",
            "ms of CPU per call",
            "bare create_item",
            goals=dict.fromkeys(OURS, HIGHEST_RATIO),
            against={name: f"bare {name}" for name in OURS},
        )
        interleaved(comparison, candidates, rounds).report()


if __name__ == "__main__":
    main()
