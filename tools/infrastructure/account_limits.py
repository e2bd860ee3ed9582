"""What an AWS account has once, or only so much of, for all environments in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.infrastructure.signing_in import SignedIn

__all__ = ["concurrency_advice", "sets_gateway_account"]

# Of all environments and two previews together (terraform/tests/environment.tftest.hcl), with the
# hundred that Lambda lets nobody reserve.
_CONCURRENT_EXECUTIONS = 1000
_GATEWAY_ROLE = ":role/itemstream-gateway-logs"


def concurrency_advice(caller: SignedIn) -> str | None:
    """
    Say how to raise the account's quota of concurrent executions; None if it is enough.

    New accounts begin with less than the default of 1,000
    (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
    """
    limit = caller.client("lambda").get_account_settings()["AccountLimit"]
    executions = int(limit["ConcurrentExecutions"])
    if executions >= _CONCURRENT_EXECUTIONS:
        return None
    return (
        f"Lambda runs {executions} functions at once in this account; dev, staging and prod with "
        f"two previews need {_CONCURRENT_EXECUTIONS:,}, and an apply that finds too few fails. Ask "
        "for more, and wait until it is granted:\n  aws service-quotas "
        "request-service-quota-increase --service-code lambda --quota-code L-B99A9384 "
        f"--desired-value {_CONCURRENT_EXECUTIONS}"
    )


def sets_gateway_account(caller: SignedIn) -> bool:
    """Say no if somebody else gave API Gateway its role to write logs."""
    role = caller.client("apigateway").get_account().get("cloudwatchRoleArn")
    return not role or role.endswith(_GATEWAY_ROLE)
