"""GET /items, naively."""

from benchmarks.naive.app import app, handler, table

__all__ = ["handler"]


@app.get("/items")
def list_items() -> list[dict]:
    return table.scan(Limit=25)["Items"]
