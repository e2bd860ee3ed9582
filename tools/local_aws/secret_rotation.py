"""RotateSecret has the secret's function rotate it, step by step; CancelRotateSecret ends that.

AWS: RotateSecret labels a new version AWSPENDING and, in the background, calls the function for
createSecret, setSecret, testSecret and finishSecret; if one fails, all begin again, several times,
and if none succeeds the label stays where it is. While it is there and not on the current version,
a rotation is not complete: RotateSecret is refused, and that rotation is attempted again. Without
RotateImmediately the configuration is tried: testSecret is called for an empty pending version,
which is removed again. Secrets Manager must be allowed to call the function
(https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html,
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CancelRotateSecret.html,
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html,
https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot_rotation.html).
MiniStack 1.5.33: RotateSecret labels a copy of the value as the new version and calls nobody;
there is no CancelRotateSecret. A schedule passes unnoticed still.
"""

import json
import logging
import os
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import (
    _request_account_id,
    _request_region,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)
from ministack.services import lambda_svc, secretsmanager

from tools.local_aws.consumption import allowed

_STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_ATTEMPTS = 5
# Before the second attempt; before each further one twice as long.
_PAUSE_SECONDS = float(os.environ.get("ITEMSTREAM_ROTATION_RETRY_SECONDS", "1"))
# Of a secret: the version that is being made, and whether that only tries the configuration.
# They are saved with it, so that a rotation goes on after a restart.
_ROTATING = "_ItemstreamRotating"
_DAY_SECONDS = 24 * 60 * 60

_log = logging.getLogger("itemstream.secret_rotation")


def apply() -> None:
    """Patch ``ministack.services.secretsmanager``."""
    handle_request = secretsmanager.handle_request
    describe_secret = secretsmanager._describe_secret
    restore_state = secretsmanager._restore_state

    async def handle(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        if headers.get("x-amz-target", "").endswith(".CancelRotateSecret"):
            return _cancel(json.loads(body or b"{}"))
        return await handle_request(method, path, headers, body, query_params)

    def describe(data: dict[str, Any]) -> Any:
        status, headers, body = describe_secret(data)
        if status != 200:
            return status, headers, body
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        return json_response({**json.loads(body), **_dates(secret)})

    def restore(data: Any) -> None:
        restore_state(data)
        threading.Thread(target=_go_on, name="secret-rotations", daemon=True).start()

    secretsmanager.handle_request = handle
    secretsmanager._describe_secret = describe
    secretsmanager._rotate_secret = _rotate
    secretsmanager._restore_state = restore


def _rotate(data: dict[str, Any]) -> Any:
    secret, problem = _secret_to_change(data)
    if problem:
        return problem
    function = data.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
    rules = data.get("RotationRules") or secret.get("RotationRules")
    if problem := _problem(secret, function, rules):
        return problem
    secret.update(RotationLambdaARN=function, RotationRules=rules, RotationEnabled=True)
    immediately = data.get("RotateImmediately", True)
    token = data.get("ClientRequestToken") or str(uuid.uuid4())
    pending = _incomplete(secret)
    if pending and pending != token:
        if _ROTATING not in secret:
            _start(secret, pending, trial=False)
        return error_response_json(
            "InvalidRequestException",
            "A previous rotation isn't complete. That rotation will be reattempted.",
            400,
        )
    # A request that is repeated is the same rotation.
    if token not in secret["Versions"]:
        secretsmanager._remove_stage_everywhere(secret, "AWSPENDING")
        now = int(time.time())
        secret["Versions"][token] = {
            "SecretString": None,
            "SecretBinary": None,
            "CreatedDate": now,
            "Stages": ["AWSPENDING"],
        }
        secret["LastChangedDate"] = now
        _start(secret, token, trial=not immediately)
    return json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token})


def _cancel(data: dict[str, Any]) -> Any:
    secret, problem = _secret_to_change(data)
    if problem:
        return problem
    secret["RotationEnabled"] = False
    secret.pop(_ROTATING, None)
    answer = {"ARN": secret["ARN"], "Name": secret["Name"]}
    if pending := _incomplete(secret):
        answer["VersionId"] = pending
    return json_response(answer)


def _secret_to_change(data: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Return the secret, and what to answer if it cannot be changed."""
    _, secret = secretsmanager._resolve(data.get("SecretId"))
    problem = None
    if not secret:
        problem = error_response_json(
            "ResourceNotFoundException", "Secrets Manager can't find the specified secret.", 400
        )
    elif secret.get("DeletedDate"):
        problem = error_response_json(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
            400,
        )
    elif secretsmanager._is_replica(secret):
        problem = secretsmanager._replica_mutation_error()
    return secret or {}, problem


def _problem(secret: dict[str, Any], function: str | None, rules: Any) -> Any:
    """Return what to answer to a configuration that cannot work."""
    if not function:
        return error_response_json(
            "InvalidRequestException",
            "No Lambda rotation function ARN is associated with this secret.",
            400,
        )
    rules = rules or {}
    if rules.get("AutomaticallyAfterDays") and rules.get("ScheduleExpression"):
        return error_response_json(
            "InvalidParameterException",
            "You can't specify both AutomaticallyAfterDays and ScheduleExpression.",
            400,
        )
    if not _may_invoke(function, secret["ARN"]):
        return error_response_json(
            "AccessDeniedException",
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function "
            "policy grants access to the principal secretsmanager.amazonaws.com.",
            400,
        )
    return None


def _may_invoke(function: str, secret: str) -> bool:
    """Whether the function is there and its policy lets Secrets Manager call it."""
    name, qualifier = lambda_svc._lambda_function_name_and_qualifier_from_arn(function)
    record = lambda_svc._functions.get(name)
    if lambda_svc._effective_func_record_for_qualifier(record, qualifier)[1] is None:
        return False
    for statement in record["policy"]["Statement"]:
        conditions = statement.get("Condition", {})
        account = conditions.get("StringEquals", {}).get("AWS:SourceAccount", get_account_id())
        source = conditions.get("ArnLike", {}).get("AWS:SourceArn", secret)
        if (
            statement["Resource"] == function
            and statement["Principal"] == {"Service": "secretsmanager.amazonaws.com"}
            and account == get_account_id()
            and source == secret
        ):
            return True
    return False


def _incomplete(secret: dict[str, Any]) -> str | None:
    """Return the version that is pending and not current, if there is one."""
    version, found = secretsmanager._find_stage_version(secret, "AWSPENDING")
    return None if not found or "AWSCURRENT" in found["Stages"] else version


def _dates(secret: dict[str, Any]) -> dict[str, Any]:
    """Return the dates of rotations that DescribeSecret tells."""
    last = secret.get("LastRotatedDate")
    dates = {"LastRotatedDate": last} if last else {}
    days = (secret.get("RotationRules") or {}).get("AutomaticallyAfterDays")
    if secret.get("RotationEnabled") and days:
        dates["NextRotationDate"] = (last or secret["CreatedDate"]) + days * _DAY_SECONDS
    return dates


def _start(secret: dict[str, Any], version: str, *, trial: bool) -> None:
    secret[_ROTATING] = {"version": version, "trial": trial}
    rotation = _Rotation(get_account_id(), get_region(), secret, version)
    threading.Thread(
        target=rotation.try_configuration if trial else rotation.run,
        name=f"rotation of {secret['Name']}",
        daemon=True,
    ).start()


def _go_on() -> None:
    """Begin what a restart has interrupted again, as soon as functions are there."""
    allowed.wait()
    for (account, region, _), secret in list(secretsmanager._secrets._data.items()):
        if interrupted := secret.get(_ROTATING):
            _request_account_id.set(account)
            _request_region.set(region)
            _start(secret, interrupted["version"], trial=interrupted["trial"])


@dataclass(frozen=True)
class _Rotation:
    """One rotation of a secret, in a thread of its own."""

    account: str
    region: str
    secret: dict[str, Any]
    version: str

    def run(self) -> None:
        """Call the function for each step, and for all of them again if one fails."""
        self._enter()
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_PAUSE_SECONDS * 2 ** (attempt - 1))
            if not self._goes_on() or self._succeeds():
                return
        _log.error("The rotation of %s has failed for good", self.secret["Name"])
        self._leave()

    def try_configuration(self) -> None:
        """Call the function for testSecret alone, and remove the version that is for that."""
        self._enter()
        if error := self._invoke("testSecret"):
            _log.error("The rotation of %s is not set up well: %s", self.secret["Name"], error)
        self.secret["Versions"].pop(self.version, None)
        self._leave()

    def _enter(self) -> None:
        _request_account_id.set(self.account)
        _request_region.set(self.region)

    def _leave(self) -> None:
        if self._goes_on():
            self.secret.pop(_ROTATING, None)

    def _goes_on(self) -> bool:
        return (self.secret.get(_ROTATING) or {}).get("version") == self.version

    def _succeeds(self) -> bool:
        for step in _STEPS:
            if not self._goes_on():
                return True
            if error := self._invoke(step):
                _log.warning("%s of %s has failed: %s", step, self.secret["Name"], error)
                return False
        if "AWSCURRENT" not in self.secret["Versions"][self.version]["Stages"]:
            _log.warning("The function did not make the version of %s current", self.secret["Name"])
            return False
        self.secret["LastRotatedDate"] = int(time.time())
        self._leave()
        return True

    def _invoke(self, step: str) -> Any:
        """Call the function for a step; return its error, if any."""
        arn = self.secret["RotationLambdaARN"]
        name, qualifier = lambda_svc._lambda_function_name_and_qualifier_from_arn(arn)
        function = lambda_svc._functions.get(name)
        _, config = lambda_svc._effective_func_record_for_qualifier(function, qualifier)
        if config is None:
            return "there is no such function"
        event = {
            "Step": step,
            "SecretId": self.secret["ARN"],
            "ClientRequestToken": self.version,
            "RotationToken": str(uuid.uuid4()),
        }
        invoked = {**function, "config": {**config, "FunctionArn": arn}}
        result = lambda_svc._execute_function(invoked, event)
        if not (result.get("error") or result.get("throttle")):
            return None
        body = result.get("body")
        return (body or {}).get("errorMessage", body) if isinstance(body, dict) else body
