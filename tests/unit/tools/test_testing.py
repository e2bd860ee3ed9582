"""The run of all tests: which stack it uses."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tools import testing
from tools.project import ROOT, Problem
from tools.stack.run_choice import Run

CHOSEN = {
    "ITEMSTREAM_PORT_AWS": "46000",
    "ITEMSTREAM_PORT_LAMBDA_HOST": "46001",
    "ITEMSTREAM_PORT_REDIS": "46002",
}


@pytest.mark.parametrize(("chosen_for", "ports"), [("second", {}), ("test", CHOSEN)])
def test_ports_that_were_chosen_for_another_stack_are_not_the_test_stacks(
    chosen_for: str, ports: dict[str, str]
) -> None:
    # When
    code = "import json; from tools.testing import _STACK; print(json.dumps(_STACK))"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **CHOSEN, "ITEMSTREAM_STACK": chosen_for},
        capture_output=True,
        check=True,
    )

    # Then
    environment = json.loads(shown.stdout)
    assert environment.items() >= ports.items()
    assert CHOSEN.keys() & environment.keys() == ports.keys()
    assert environment["ITEMSTREAM_STACK"] == "test"


@pytest.mark.parametrize(
    ("hindrance", "run"), [(None, Run.IMAGES), ("there is no root", Run.SOURCE)]
)
def test_functions_run_out_of_their_images_where_they_can(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    hindrance: str | None,
    run: Run,
) -> None:
    # Given
    monkeypatch.delenv("ITEMSTREAM_TEST_RUN", raising=False)
    monkeypatch.setattr(testing, "why_no_sandboxes", lambda: hindrance)

    # When
    chosen = testing._run()

    # Then
    assert chosen is run
    assert (hindrance or "") in capsys.readouterr().err


def test_what_is_asked_for_is_run_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    monkeypatch.setattr(testing, "why_no_sandboxes", lambda: "there is no root")

    # When
    monkeypatch.setenv("ITEMSTREAM_TEST_RUN", "images")

    # Then: not quietly out of the source; `itemstream up` tells what is wrong
    assert testing._run() is Run.IMAGES
    monkeypatch.setenv("ITEMSTREAM_TEST_RUN", "zip")
    with pytest.raises(Problem, match="source, images, archives"):
        testing._run()
