"""What resources cost that are paid by the hour or the month, whether they are used or not.

To see the size of a change, not to check a bill: rounded list prices in us-east-1, without what
is paid by request, by traffic or by GB of data.

Sources: the pricing pages of Amazon RDS, ElastiCache, VPC, Secrets Manager, KMS, CloudWatch, WAF.
"""

from __future__ import annotations

from typing import Any

__all__ = ["PRICED_ON", "PRICES_OF", "monthly_price"]

PRICES_OF = "us-east-1"
PRICED_ON = "November 2026"

_HOURS = 730
# USD an hour, on demand.
_DATABASES = {"db.t4g.medium": 0.065, "db.t4g.large": 0.129, "db.r7g.large": 0.239}
_CACHES = {"cache.t4g.micro": 0.016, "cache.t4g.small": 0.032, "cache.r7g.large": 0.219}
_NAT_GATEWAY = 0.045
_INTERFACE_ENDPOINT = 0.01
# For each of the instance's virtual processors, of which the classes above have two.
_PROXY = 2 * 0.015
# USD a month.
_STORAGE_GB = 0.115
_EACH = {
    "aws_cloudwatch_metric_alarm": 0.10,
    "aws_eip": 3.65,
    "aws_kms_key": 1.0,
    "aws_secretsmanager_secret": 0.40,
    "aws_wafv2_web_acl": 5.0,
}


def monthly_price(kind: str, values: dict[str, Any] | None) -> float:
    """
    Return what one resource costs a month, in USD; 0 if it is free, unknown or not there.

    Parameters
    ----------
    kind
        Terraform's type.
    values
        Its attributes as planned; None if there is no such resource.
    """
    if values is None:
        return 0.0
    match kind:
        case "aws_db_instance":
            copies = 2 if values.get("multi_az") else 1
            hourly = _DATABASES.get(str(values.get("instance_class")), 0.0)
            return copies * (
                hourly * _HOURS + float(values.get("allocated_storage") or 0) * _STORAGE_GB
            )
        case "aws_db_proxy":
            return _PROXY * _HOURS
        case "aws_elasticache_replication_group":
            nodes = int(values.get("num_cache_clusters") or 1)
            return nodes * _CACHES.get(str(values.get("node_type")), 0.0) * _HOURS
        case "aws_nat_gateway":
            return _NAT_GATEWAY * _HOURS
        case "aws_vpc_endpoint" if values.get("vpc_endpoint_type") == "Interface":
            # Subnets that are yet to be made are not known one by one.
            return max(1, len(values.get("subnet_ids") or ())) * _INTERFACE_ENDPOINT * _HOURS
        case _:
            return _EACH.get(kind, 0.0)
