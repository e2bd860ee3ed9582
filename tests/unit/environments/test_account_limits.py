"""What an account has once, or only so much of, is looked at before it is prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from tools.infrastructure.account_limits import concurrency_advice, sets_gateway_account

if TYPE_CHECKING:
    from tools.infrastructure.signing_in import SignedIn


class Account:
    """An account by the answers of two services."""

    def __init__(self, *, executions: int, role: str | None) -> None:
        self.executions = executions
        self.role = role

    def client(self, service: str) -> Account:
        """Be the client of each service."""
        assert service in {"apigateway", "lambda"}
        return self

    def get_account_settings(self) -> dict[str, Any]:
        """Answer as Lambda does."""
        return {"AccountLimit": {"ConcurrentExecutions": self.executions}}

    def get_account(self) -> dict[str, Any]:
        """Answer as API Gateway does, which leaves out what is not set."""
        return {"cloudwatchRoleArn": self.role} if self.role else {}


def signed_in(*, executions: int = 1000, role: str | None = None) -> SignedIn:
    return cast("SignedIn", Account(executions=executions, role=role))


@pytest.mark.parametrize("executions", [10, 999])
def test_a_new_accounts_quota_is_told_with_the_command_that_raises_it(executions: int) -> None:
    advice = concurrency_advice(signed_in(executions=executions))
    assert advice is not None
    assert f"Lambda runs {executions} functions at once" in advice
    assert "--quota-code L-B99A9384 --desired-value 1000" in advice


def test_the_usual_quota_is_enough() -> None:
    assert concurrency_advice(signed_in(executions=1000)) is None


@pytest.mark.parametrize(
    ("role", "ours"),
    [
        (None, True),
        ("arn:aws:iam::111122223333:role/itemstream-gateway-logs", True),
        ("arn:aws:iam::111122223333:role/somebody-elses", False),
    ],
)
def test_the_role_that_others_gave_api_gateway_is_left_to_them(
    role: str | None, *, ours: bool
) -> None:
    assert sets_gateway_account(signed_in(role=role)) is ours
