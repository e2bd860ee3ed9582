"""POST /items, naively."""

from uuid import uuid4

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

from benchmarks.naive.app import Item, app, handler, table

__all__ = ["handler"]

persistence = DynamoDBPersistenceLayer(table_name="idempotency")


@app.post("/items")
@idempotent_function(
    data_keyword_argument="item", persistence_store=persistence, config=IdempotencyConfig()
)
def create_item(item: Item) -> dict:
    row = {"pk": str(uuid4()), **item.model_dump()}
    table.put_item(Item=row)
    return row
