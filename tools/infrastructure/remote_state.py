"""The bucket of Terraform's state: how it is reached, and what is kept beside a state."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.infrastructure.signing_in import SignedIn

__all__ = ["RemoteState", "state_bucket", "states"]

_SUFFIX = ".tfstate"
_MISSING = {"404", "NoSuchBucket", "NoSuchKey", "NotFound"}
# An emulator knows its buckets by path, and has no lock files.
_EMULATED = {
    "use_path_style": "true",
    "skip_credentials_validation": "true",
    "skip_metadata_api_check": "true",
    "skip_region_validation": "true",
    "skip_requesting_account_id": "true",
}


@contextmanager
def _problems(what: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise Problem(f"{what}: {error}. Mend that, then run the command again.") from None


def state_bucket(account: str) -> str:
    """Return the name of an account's bucket, as terraform/bootstrap makes it."""
    return f"itemstream-state-{account}"


def states(caller: SignedIn) -> list[str]:
    """List the names of the states that an account's bucket holds; none if there is no bucket."""
    pages = caller.client("s3").get_paginator("list_objects_v2")
    try:
        keys = [
            str(found["Key"])
            for page in pages.paginate(Bucket=state_bucket(caller.account))
            for found in page.get("Contents", ())
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            return []
        raise Problem(f"{state_bucket(caller.account)} can't be read: {error}") from None
    return [key.removesuffix(_SUFFIX) for key in keys if key.endswith(_SUFFIX)]


@dataclass(frozen=True)
class RemoteState:
    """
    One state in the bucket of an account.

    Parameters
    ----------
    name
        The environment's, or `bootstrap`.
    caller
        Whose account.
    """

    name: str
    caller: SignedIn

    @property
    def key(self) -> str:
        """The state's key in the bucket."""
        return f"{self.name}{_SUFFIX}"

    def resources(self) -> list[Any]:
        """Return the resources that it holds."""
        found: list[Any] = json.loads(self._read(self.key) or "{}").get("resources", [])
        return found

    def backend(self) -> list[str]:
        """
        Return the options of `terraform init` that lead to it.

        Raises
        ------
        Problem
            If the account has no bucket for states yet, or has it in another region.
        """
        settings = {
            "bucket": state_bucket(self.caller.account),
            "key": self.key,
            "region": self._region(),
            "use_lockfile": "true",
            **(_EMULATED if self.caller.emulated else {}),
        }
        return [
            "-reconfigure",
            *(f"-backend-config={key}={value}" for key, value in settings.items()),
        ]

    def exists(self) -> bool:
        """Whether the bucket and, in it, this state are there."""
        return self._read(self.key) is not None

    def deployed_artifacts(self) -> str | None:
        """Return the manifest of packages that was applied last; None if none was."""
        return self._read(self._artifacts_key)

    def keep_artifacts(self, manifest: str) -> None:
        """Keep the manifest that is applied, for whoever plans or destroys what is there."""
        with _problems(f"{self._bucket}/{self._artifacts_key} can't be written"):
            self._s3.put_object(
                Bucket=self._bucket, Key=self._artifacts_key, Body=manifest.encode()
            )

    def forget(self) -> None:
        """Delete state and manifest; the bucket keeps their versions."""
        for key in (self.key, self._artifacts_key):
            with _problems(f"{self._bucket}/{key} can't be deleted"):
                self._s3.delete_object(Bucket=self._bucket, Key=key)

    @property
    def _artifacts_key(self) -> str:
        return f"{self.name}.artifacts.json"

    @property
    def _bucket(self) -> str:
        return state_bucket(self.caller.account)

    @property
    def _s3(self) -> Any:
        return self.caller.client("s3")

    def _region(self) -> str:
        try:
            place = self._s3.get_bucket_location(Bucket=self._bucket)["LocationConstraint"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                raise Problem(
                    f"The account {self.caller.account} has no bucket for Terraform's state. Make "
                    "it, and what else a pipeline needs: itemstream bootstrap"
                ) from None
            raise Problem(f"{self._bucket} can't be reached: {error}") from None
        # What S3 calls its first region, and what it called Ireland.
        region: str = {None: "us-east-1", "EU": "eu-west-1"}.get(place, place)
        if region != self.caller.region:
            raise Problem(
                f"The account {self.caller.account} was prepared in {region}, and this is "
                f"{self.caller.region}: names would clash. Set AWS_REGION={region}; a second "
                "region is an account of its own (docs/deployment.md)."
            )
        return region

    def _read(self, key: str) -> str | None:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise Problem(f"{self._bucket}/{key} can't be read: {error}") from None
        text: bytes = answer["Body"].read()
        return text.decode()
