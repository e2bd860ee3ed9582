"""PUT /items/{id}, naively."""

from benchmarks.naive.app import Item, app, handler, table

__all__ = ["handler"]


@app.put("/items/<item_id>")
def update_item(item_id: str, item: Item) -> dict:
    row = {"pk": "tenant", "sk": item_id, **item.model_dump()}
    table.put_item(Item=row)
    return row
