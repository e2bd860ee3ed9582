"""Every lock is looked up among known vulnerabilities."""

from __future__ import annotations

import json
import re
import subprocess

from tools.audit import audits
from tools.project import REQUIREMENTS, ROOT


def test_every_lock_is_looked_up() -> None:
    # Given
    locks = {path.name for path in REQUIREMENTS.iterdir() if path.suffix == ".txt"}

    # When
    looked_up = audits()

    # Then
    assert set(looked_up) == locks | {"npm"}
    assert [lock for lock in locks if str(REQUIREMENTS / lock) not in looked_up[lock][0]] == []


def test_pip_audit_reads_a_lock_as_it_is_without_asking_anybody() -> None:
    # Given the command for the layer's lock
    command, folder = audits()["layer.txt"]

    # When
    done = subprocess.run(
        [*command, "--dry-run"], cwd=folder, capture_output=True, text=True, check=False
    )

    # Then it would look up each package that is for every Python
    lock = (REQUIREMENTS / "layer.txt").read_text()
    for_all = re.findall(r"^[\w.-]+==\S+ \\$", lock, re.MULTILINE)
    counted = re.search(r"would have audited (\d+) packages", done.stderr)
    assert counted, done.stderr
    assert int(counted[1]) >= len(for_all) > 0


def test_the_javascript_client_brings_nothing_that_could_be_vulnerable() -> None:
    # It has no lock, because it depends on nothing; if that changes, it needs one here.
    package = json.loads((ROOT / "clients" / "javascript" / "package.json").read_text())
    assert not {key for key in package if key.endswith(("ependencies", "dependenciesMeta"))}
