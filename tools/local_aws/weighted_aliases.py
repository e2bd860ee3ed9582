"""An alias with weights sends some of its invocations to a second version.

AWS: an alias may name one version beside its own, with a weight from 0 to 1. Each invocation goes
to that version with this probability, whoever calls, and the answer's header
``X-Amz-Executed-Version`` names the version that ran. Both are published and have the same role;
while there are weights, the alias takes no provisioned concurrency
(https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html,
https://docs.aws.amazon.com/lambda/latest/api/API_AliasRoutingConfiguration.html,
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html).
MiniStack 1.5.33: keeps the weights, whatever they are, and uses them for nothing; and its gateways
invoke the version behind an alias under its own name.
"""

import random
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from tools.local_aws.lambda_host import REQUEST_ID

# Which version an invocation ran, in its record: MiniStack's own callers know the alias's own only.
EXECUTED_VERSION = "executed_version"

# The version that answers the Invoke at hand; filled in by the thread that runs it.
_executed: ContextVar[list[str] | None] = ContextVar("executed", default=None)
_random = random.SystemRandom()


def apply() -> None:
    """
    Patch ``ministack.services.lambda_svc``.

    After the patches ``lambda_host`` and ``source_ages``, which replace what is wrapped here.
    """
    execute, invoke = lambda_svc._execute_function, lambda_svc._invoke
    find = lambda_svc._get_func_record_for_ref
    create, update = lambda_svc._create_alias, lambda_svc._update_alias
    provision = lambda_svc._put_provisioned_concurrency

    def execute_chosen(function: dict[str, Any], event: Any) -> Any:
        config = function.get("config") or function
        function, config = _choose(function, config)
        version = config.get("Version", "$LATEST")
        if (executed := _executed.get()) is not None:
            executed.append(version)
        return {**execute(function, event), EXECUTED_VERSION: version}

    async def invoke_and_tell(*args: Any, **kwargs: Any) -> Any:
        executed: list[str] = []
        _executed.set(executed)
        status, headers, body = await invoke(*args, **kwargs)
        if executed and "X-Amz-Executed-Version" in headers:
            headers["X-Amz-Executed-Version"] = executed[0]
        return status, headers, body

    def find_as_called(reference: str) -> Any:
        function, config, name = find(reference)
        _, qualifier = lambda_svc._resolve_name_and_qualifier(reference)
        alias = _alias(lambda_svc._get_base_func_record_for_ref(reference)[0], qualifier)
        if config is not None and alias:
            config = {**config, "FunctionArn": alias["AliasArn"]}
        return function, config, name

    def create_valid(name: str, data: dict[str, Any]) -> Any:
        return _refusal(name, {}, data) or create(name, data)

    def update_valid(name: str, alias: str, data: dict[str, Any]) -> Any:
        known = _alias(lambda_svc._functions.get(name), alias)
        return _refusal(name, known, data) or update(name, alias, data)

    def provision_unweighted(name: str, qualifier: str, data: dict[str, Any]) -> Any:
        if _weights(_alias(lambda_svc._functions.get(name), qualifier)):
            return _invalid("Alias with weights can not be used with Provisioned Concurrency")
        return provision(name, qualifier, data)

    lambda_svc._execute_function = execute_chosen
    lambda_svc._invoke = invoke_and_tell
    lambda_svc._get_func_record_for_ref = find_as_called
    lambda_svc._create_alias = create_valid
    lambda_svc._update_alias = update_valid
    lambda_svc._put_provisioned_concurrency = provision_unweighted


def _choose(function: dict[str, Any], config: dict[str, Any]) -> Any:
    """Return the version that an invocation goes to, as it was called, and its configuration."""
    arn = config.get("FunctionArn", "")
    name, qualifier = lambda_svc._lambda_function_name_and_qualifier_from_arn(arn)
    if not qualifier:
        return function, config
    account, region = lambda_svc._account_region_from_function_config(config)
    base = lambda_svc._functions.get_scoped(account, region, name)
    for version, weight in _weights(_alias(base, qualifier)).items():
        if version in base["versions"] and _random.random() < weight:
            chosen = base["versions"][version]
            called = {key: config[key] for key in ("FunctionArn", REQUEST_ID) if key in config}
            config = {**chosen["config"], **called}
            return {**chosen, "config": config}, config
    return function, config


def _alias(function: dict[str, Any] | None, name: str | None) -> dict[str, Any]:
    return (function or {}).get("aliases", {}).get(name) or {}


def _weights(alias: dict[str, Any]) -> dict[str, float]:
    return (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}


def _refusal(name: str, known: dict[str, Any], data: dict[str, Any]) -> Any:
    """Return what AWS answers to an alias that cannot be, or nothing."""
    weights = _weights({**known, **data})
    function = lambda_svc._functions.get(name)
    if function is None or not weights:
        return None
    own = data.get("FunctionVersion") or known.get("FunctionVersion", "$LATEST")
    [(version, weight), *more] = weights.items()
    if more:
        return _invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    if not 0 <= weight <= 1:
        return _invalid("AdditionalVersionWeights must be between 0.0 and 1.0")
    if own == "$LATEST" or version == "$LATEST":
        return _invalid("$LATEST is not supported for an alias pointing to more than 1 version")
    if own == version:
        return _invalid(f"Function version {version} is already the alias's own version")
    if version not in function["versions"]:
        missing = f"Function not found: {lambda_svc._func_arn(name)}:{version}"
        return error_response_json("ResourceNotFoundException", missing, 404)
    roles = {function["versions"].get(v, {}).get("config", {}).get("Role") for v in (own, version)}
    if len(roles) > 1:
        return _invalid("The versions of an alias with weights must have the same role")
    return None


def _invalid(message: str) -> Any:
    return error_response_json("InvalidParameterValueException", message, 400)
