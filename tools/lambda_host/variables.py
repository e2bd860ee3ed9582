"""The environment variables of a function's process.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.lambda_host.survivors import MARKER

if TYPE_CHECKING:
    from pathlib import Path

    from tools.lambda_host.configuration import FunctionConfiguration
    from tools.lambda_host.credentials import Credentials


def lambda_variables(
    configuration: FunctionConfiguration,
    credentials: Credentials,
    *,
    stream: str,
    provisioned: bool,
    region: str,
    aws_endpoint: str,
    python: str,
    state: Path,
) -> dict[str, str]:
    """Return the function's own variables and those that Lambda reserves, and no other.

    Paths are the launcher's to add. Two are not Lambda's: the endpoint of the local AWS, and the
    marker by which a crashed host's processes are found.
    """
    return {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        **configuration.variables,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": aws_endpoint,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{'.'.join(python.split('.')[:2])}",
        "AWS_LAMBDA_FUNCTION_NAME": configuration.name,
        "AWS_LAMBDA_FUNCTION_VERSION": configuration.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration.memory),
        "AWS_LAMBDA_LOG_GROUP_NAME": configuration.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_INITIALIZATION_TYPE": (
            "provisioned-concurrency" if provisioned else "on-demand"
        ),
        "_HANDLER": configuration.handler,
        MARKER: str(state.resolve()),
    }
