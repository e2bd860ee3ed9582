"""Versions of secrets, and the labels that say what each is for, as AWS keeps them.

AWS: a secret that is created without a value has no version. PutSecretValue with the id of a
version that has a value succeeds if it is the same and is refused if it is another; the first
version of all becomes the current one; a label is on one version at a time
(https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html,
https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html).
MiniStack 1.5.33: makes a version without a value, overwrites values, lets any number of versions
be pending.
"""

import json
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import secretsmanager

_VALUES = ("SecretString", "SecretBinary")


def apply() -> None:
    """Patch ``ministack.services.secretsmanager``."""
    create_secret = secretsmanager._create_secret
    put_secret_value = secretsmanager._put_secret_value

    def create(data: dict[str, Any]) -> Any:
        status, headers, body = create_secret(data)
        if status != 200 or any(data.get(name) is not None for name in _VALUES):
            return status, headers, body
        secretsmanager._secrets[data["Name"]]["Versions"].clear()
        answer = json.loads(body)
        del answer["VersionId"]
        return json_response(answer)

    def put(data: dict[str, Any]) -> Any:
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        if not secret or secret.get("DeletedDate"):
            return put_secret_value(data)
        if (kept := secret["Versions"].get(data.get("ClientRequestToken"))) and _value(kept):
            return _the_same_again(secret, kept, data)
        if not secret["Versions"]:
            data = {**data, "VersionStages": _labels(data) | {"AWSCURRENT"}}
        for label in _labels(data) - {"AWSCURRENT"}:
            secretsmanager._remove_stage_everywhere(secret, label)
        return put_secret_value({**data, "VersionStages": sorted(_labels(data))})

    secretsmanager._create_secret = create
    secretsmanager._put_secret_value = put


def _labels(data: dict[str, Any]) -> set[str]:
    return set(data.get("VersionStages") or ["AWSCURRENT"])


def _value(version: dict[str, Any]) -> dict[str, Any]:
    return {name: version[name] for name in _VALUES if version.get(name) is not None}


def _the_same_again(secret: Any, kept: dict[str, Any], data: dict[str, Any]) -> Any:
    token = data["ClientRequestToken"]
    if _value(data) != _value(kept):
        return error_response_json(
            "ResourceExistsException",
            f"You can't use ClientRequestToken {token} because that value is already in use for a "
            f"version of secret {secret['ARN']}.",
            400,
        )
    names = {name: secret[name] for name in ("ARN", "Name")}
    return json_response({**names, "VersionId": token, "VersionStages": list(kept["Stages"])})
