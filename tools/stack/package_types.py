"""Functions that were an Image and shall be a Zip, or the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.catalogue import catalogue
from tools.stack.clients import client

if TYPE_CHECKING:
    from tools.stack.run_choice import RunChoice
    from tools.stack.settings import Stack

__all__ = ["delete_functions_of_another_type"]


def delete_functions_of_another_type(stack: Stack, choice: RunChoice) -> int:
    """
    Delete functions whose package type will be another one; return how many.

    A function's type is fixed for its life. Terraform would make the new one while the old one
    has its name, as deployments of an API are made before the old ones go; so it finds none, and
    makes it with all that hangs on it. Data is elsewhere.
    """
    functions = client(stack, "lambda")
    default = choice.package_type or catalogue()["defaults"]["package_type"]
    deleted = 0
    for logical, entry in catalogue()["functions"].items():
        name = f"itemstream-local-{logical.replace('_', '-')}"
        try:
            found = functions.get_function_configuration(FunctionName=name)
        except functions.exceptions.ResourceNotFoundException:
            continue
        if found["PackageType"] != entry.get("package_type", default):
            functions.delete_function(FunctionName=name)
            deleted += 1
    return deleted
