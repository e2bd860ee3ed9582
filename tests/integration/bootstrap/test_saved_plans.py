"""A saved plan is applied as it is, or refused with what to do; a second try goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tools.infrastructure.remote_state import RemoteState
from tools.project import Problem

if TYPE_CHECKING:
    from tests.integration.bootstrap.conftest import Project

NUMBER = """
resource "terraform_data" "number" {{
  input = {}
}}

output "number" {{
  value = terraform_data.number.output
}}
"""


def applied(project: Project) -> Any:
    """Return the number in the state; None if there is none."""
    s3 = project.caller.client("s3")
    state = RemoteState(project.environment, project.caller)
    if not state.exists():
        return None
    body = s3.get_object(Bucket="itemstream-state-000000000000", Key=state.key)["Body"].read()
    return json.loads(body)["outputs"]["number"]["value"]


@pytest.fixture
def planned(project: Project) -> Project:
    """A plan that is saved and not applied."""
    project.write(NUMBER.format(1))
    project.save()
    return project


def test_a_plan_is_applied_once(planned: Project) -> None:
    # When
    planned.apply()

    # Then it is, and what was deployed is known to whoever comes later
    assert applied(planned) == 1
    assert RemoteState("dev", planned.caller).deployed_artifacts() == '{"families": {}}'

    # And a second time it is older than its state
    with pytest.raises(Problem, match=r"older than the state of dev.*itemstream plan dev --out"):
        planned.apply()


def test_a_plan_that_another_overtook_is_refused_until_it_is_made_again(planned: Project) -> None:
    # Given
    old = planned.plan
    planned.plan = old.with_name("newer.tfplan")
    planned.write(NUMBER.format(2))
    planned.save()
    planned.apply()
    planned.plan = old

    # Then
    with pytest.raises(Problem, match="older than the state"):
        planned.apply()
    assert applied(planned) == 2

    # When it is planned again
    planned.write(NUMBER.format(3))
    planned.save()
    planned.apply()

    # Then
    assert applied(planned) == 3


def test_what_is_applied_is_what_was_planned_even_if_files_changed(planned: Project) -> None:
    planned.write(NUMBER.format(2))
    planned.apply()
    assert applied(planned) == 1


def test_a_plan_of_another_commit_is_refused(planned: Project) -> None:
    planned.check_out("b" * 40)
    with pytest.raises(Problem, match="from the commit aaaaaaaaaaaa, and bbbbbbbbbbbb"):
        planned.apply()
    assert applied(planned) is None


def test_a_plan_for_another_account_is_refused(planned: Project) -> None:
    # Given a plan that says so, as one that was carried elsewhere does
    description = planned.plan.with_name(f"{planned.plan.name}.json")
    document = json.loads(description.read_text())
    description.write_text(json.dumps({**document, "account": "111122223333"}))

    # Then
    with pytest.raises(Problem, match="for the account 111122223333 in us-east-1"):
        planned.apply()


def test_a_plan_of_an_unknown_environment_is_refused(planned: Project) -> None:
    description = planned.plan.with_name(f"{planned.plan.name}.json")
    document = json.loads(description.read_text())
    description.write_text(json.dumps({**document, "environment": "nowhere"}))
    with pytest.raises(Problem, match="no environment nowhere"):
        planned.apply()


def test_another_manifest_than_was_planned_with_is_refused(planned: Project) -> None:
    (planned.folder / "artifacts.json").write_text('{"families":{}}')
    with pytest.raises(Problem, match="not the manifest that was planned with"):
        planned.apply()


def test_a_file_that_is_no_plan_is_refused(planned: Project) -> None:
    planned.plan.write_bytes(b"something else")
    with pytest.raises(Problem, match="is not the plan that"):
        planned.apply()
    planned.plan = planned.folder / "nothing"
    with pytest.raises(Problem, match="no saved plan"):
        planned.apply()


def push_image(project: Project) -> str:
    """Put an image into the registry and name it in the manifest; return its digest."""
    ecr = project.caller.client("ecr")
    kind = "application/vnd.oci.image.manifest.v1+json"
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2}
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": {**config, "digest": f"sha256:{'0' * 64}"},
        "layers": [],
    }
    ecr.create_repository(repositoryName="itemstream-crud")
    image = ecr.put_image(
        repositoryName="itemstream-crud",
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=kind,
        imageTag="built-0",
    )["image"]
    digest = str(image["imageId"]["imageDigest"])
    uri = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/itemstream-crud@{digest}"
    (project.folder / "artifacts.json").write_text(
        json.dumps({"families": {"crud": {"image_uri": uri}}})
    )
    return digest


def test_an_image_that_is_gone_stops_apply_and_then_plan(project: Project) -> None:
    # Given a plan whose image was pushed, and then taken away
    digest = push_image(project)
    project.write(NUMBER.format(1))
    project.save()
    project.caller.client("ecr").batch_delete_image(
        repositoryName="itemstream-crud", imageIds=[{"imageDigest": digest}]
    )

    # Then nothing is applied, and no other plan is made
    with pytest.raises(Problem, match=f"registry does not have .*{digest}"):
        project.apply()
    assert applied(project) is None
    with pytest.raises(Problem, match="itemstream push"):
        project.save()


def test_an_apply_that_fails_in_the_middle_is_gone_on_with(planned: Project) -> None:
    # Given a plan of which the second half can not be made
    failing = """
resource "terraform_data" "second" {
  depends_on = [terraform_data.number]
  provisioner "local-exec" {
    command = "exit 7"
  }
}
"""
    planned.write(NUMBER.format(1) + failing)
    planned.save()
    with pytest.raises(Problem, match="exit status 7"):
        planned.apply()

    # Then the same plan is not good any more
    with pytest.raises(Problem, match="older than the state"):
        planned.apply()

    # When the fault is mended and planned again
    planned.write(NUMBER.format(1) + failing.replace("exit 7", "true"))
    planned.save()
    planned.apply()

    # Then the first half was kept, and the second is there
    assert applied(planned) == 1


def test_another_region_than_the_states_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(NUMBER.format(1))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "eu-west-1")
    with pytest.raises(Problem, match=r"prepared in us-east-1, and this is eu-west-1"):
        project.save()
