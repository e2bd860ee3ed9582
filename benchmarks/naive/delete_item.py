"""DELETE /items/{id}, naively."""

from benchmarks.naive.app import app, handler, table

__all__ = ["handler"]


@app.delete("/items/<item_id>")
def delete_item(item_id: str) -> None:
    table.delete_item(Key={"pk": "tenant", "sk": item_id})
