"""GetFunction says of each version where its own code is.

AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html: ``Code.Location`` is a link
to the deployment package of the function, or of the version named by ``Qualifier``; and
https://docs.aws.amazon.com/lambda/latest/dg/configuration-layers.html: a version goes on using a
layer version that was deleted.
MiniStack 1.5.33: the link is to the newest code whatever the qualifier, though it keeps the code of
each version; and the content of a deleted layer version is kept, but not served.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import lambda_svc

# Between a function's name and its version in the path of a link.
_SEPARATOR = ":"


def apply() -> None:
    """Patch ``ministack.services.lambda_svc``."""
    get_function, serve, find_layer = (
        lambda_svc._get_function,
        lambda_svc.serve_function_code,
        lambda_svc._find_layer_version,
    )

    def get_with_own_code(name: str, qualifier: str | None = None) -> Any:
        status, headers, body = get_function(name, qualifier)
        document = json.loads(body)
        location = document.get("Code", {}).get("Location")
        if status != 200 or location is None:
            return status, headers, body
        version = document["Configuration"]["Version"]
        named = location.replace(f"/{name}?", f"/{name}{_SEPARATOR}{version}?")
        return lambda_svc.json_response(
            {**document, "Code": {**document["Code"], "Location": named}}
        )

    def serve_version(
        func_name: str, account_id: str | None = None, region: str | None = None
    ) -> Any:
        name, _, version = func_name.partition(_SEPARATOR)
        function = (
            lambda_svc._functions.get_scoped(account_id, region, name)
            if account_id and region
            else lambda_svc._functions.get(name)
        )
        published = (function or {}).get("versions", {}).get(version)
        if published is None:
            return serve(name, account_id, region)
        return 200, {"Content-Type": "application/zip"}, published.get("code_zip") or b""

    def serve_layer(
        layer_name: str, version: int, account_id: str | None = None, region: str | None = None
    ) -> Any:
        found, error = find_layer(layer_name, version, account_id, region, include_deleted=True)
        if error:
            return error
        return 200, {"Content-Type": "application/zip"}, found.get("_zip_data") or b""

    lambda_svc._get_function = get_with_own_code
    lambda_svc.serve_function_code = serve_version
    lambda_svc.serve_layer_content = serve_layer
