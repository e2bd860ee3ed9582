"""What was acknowledged is there again after a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.local_aws.conftest import running_ministack
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path


def test_state_survives_a_crash(tmp_path: Path) -> None:
    # Given
    settings = {
        "ITEMSTREAM_SAVE_SECONDS": "0.1",
        "PERSIST_STATE": "1",
    }
    saved = tmp_path / "state" / "ssm.json"

    # When: it is killed as soon as the value is on disk
    with running_ministack(tmp_path, **settings) as ministack:
        ministack.client("ssm").put_parameter(Name="/kept", Value="precious", Type="String")
        eventually(lambda: saved.exists() and "precious" in saved.read_text(), what="saved")
        ministack.process.kill()
        ministack.process.wait()

    # Then
    with running_ministack(tmp_path, **settings) as ministack:
        kept = ministack.client("ssm").get_parameter(Name="/kept")["Parameter"]["Value"]
        assert kept == "precious"
