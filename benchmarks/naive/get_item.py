"""GET /items/{id}, naively."""

from benchmarks.naive.app import app, handler, table

__all__ = ["handler"]


@app.get("/items/<item_id>")
def get_item(item_id: str) -> dict:
    return table.get_item(Key={"pk": "tenant", "sk": item_id})["Item"]
