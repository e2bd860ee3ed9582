"""Images in the registry: those that are missing stop a deployment, those deployed are marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.environments.registry import mark_deployed, parse_image, require_images
from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.infrastructure.signing_in import SignedIn

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
MISSING = f"{HOST}/itemstream-calls@sha256:{'1' * 64}"


def test_images_that_are_there_are_no_problem(
    caller: SignedIn, put_image: Callable[[str], str]
) -> None:
    require_images(caller, [put_image("crud")])


def test_a_missing_image_is_named(caller: SignedIn, put_image: Callable[[str], str]) -> None:
    # Given one image that is there and one whose repository is not
    there = put_image("crud")

    # Then the other is asked for
    with pytest.raises(Problem, match=f"does not have {MISSING}. Push the images"):
        require_images(caller, [there, MISSING])


def test_a_missing_digest_in_a_repository_that_is_there_is_named(
    caller: SignedIn, put_image: Callable[[str], str]
) -> None:
    there = put_image("calls")
    assert there != MISSING
    with pytest.raises(Problem, match=f"does not have {MISSING}"):
        require_images(caller, [MISSING])


@pytest.mark.parametrize("uri", ["", f"{HOST}/itemstream-crud:latest", f"{HOST}/crud@sha256:12"])
def test_an_image_without_a_digest_is_refused(uri: str) -> None:
    with pytest.raises(Problem, match="by its digest"):
        parse_image(uri)


def test_an_image_is_marked_as_deployed_once(
    caller: SignedIn, put_image: Callable[[str], str]
) -> None:
    # Given
    uri = put_image("crud")

    # When it is deployed twice, as after an interruption
    for _ in range(2):
        mark_deployed(caller, [uri], "prod")

    # Then
    [image] = caller.client("ecr").describe_images(repositoryName="itemstream-crud")["imageDetails"]
    digest = uri.partition("@sha256:")[2]
    assert sorted(image["imageTags"]) == ["built-0", f"deployed-prod-{digest[:16]}"]
