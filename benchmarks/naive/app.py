"""What the naive functions share: resolver, tracer, metrics, resource, model."""

import os

import boto3
import redis
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from pydantic import BaseModel, Field

logger = Logger()
tracer = Tracer()
metrics = Metrics()
app = APIGatewayRestResolver(enable_validation=True)
app.enable_swagger(path="/docs", title="Items", version="1")
table = boto3.resource("dynamodb").Table(os.environ["ITEMS_TABLE"])
cache = redis.Redis()


class Price(BaseModel):
    """Money."""

    amount: int = Field(ge=0)
    currency: str = Field(pattern="^[A-Z]{3}$")


class Item(BaseModel):
    """An item."""

    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=4000)
    category: str | None = None
    status: str = "draft"
    price: Price | None = None
    quantity: int = Field(default=0, ge=0)
    tags: list[str] = Field(default_factory=list, max_length=20)
    attributes: dict[str, str] = Field(default_factory=dict, max_length=50)


@tracer.capture_lambda_handler
@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict, context: object) -> dict:
    return app.resolve(event, context)
