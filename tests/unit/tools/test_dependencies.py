"""What the stack needs is found, fetched in a pinned version, or explained."""

from __future__ import annotations

import hashlib
import io
import urllib.error
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tools.dependencies import mariadb, redis, terraform, uv
from tools.project import Problem


@pytest.fixture
def _no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with nothing installed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(mariadb, "_PATH", str(tmp_path))
    monkeypatch.setattr(terraform, "LOCAL", tmp_path)
    monkeypatch.setattr(uv, "LOCAL", tmp_path)
    terraform.find_terraform.cache_clear()


def release(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("terraform", content)
    return file.getvalue()


def serve(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    def urlopen(address: str, **_: Any) -> io.BytesIO:
        assert address.startswith("https://releases.hashicorp.com/terraform/")
        return io.BytesIO(body)

    monkeypatch.setattr("urllib.request.urlopen", urlopen)


@pytest.mark.usefixtures("_no_programs")
def test_a_missing_terraform_is_fetched_and_verified(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given
    archive = release(b"#!/bin/sh\n")
    serve(monkeypatch, archive)
    pinned = dict.fromkeys(terraform._SHA256, hashlib.sha256(archive).hexdigest())
    monkeypatch.setattr(terraform, "_SHA256", pinned)

    # When
    program = terraform.find_terraform()

    # Then
    assert program.is_relative_to(tmp_path)
    assert program.read_bytes() == b"#!/bin/sh\n"
    assert program.stat().st_mode & 0o100


@pytest.mark.usefixtures("_no_programs")
def test_a_terraform_that_is_not_the_pinned_one_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given
    serve(monkeypatch, release(b"evil"))

    # When
    with pytest.raises(Problem, match="checksum"):
        terraform.find_terraform()

    # Then
    assert not list(tmp_path.rglob("terraform*"))


@pytest.mark.usefixtures("_no_programs")
def test_without_a_network_it_is_said_how_to_get_terraform(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given
    def urlopen(address: str, **_: Any) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)

    # Then
    with pytest.raises(Problem, match=r"developer\.hashicorp\.com/terraform/install"):
        terraform.find_terraform()


def test_a_configuration_file_that_is_not_there_does_not_matter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given
    there = tmp_path / "there.tfrc"
    there.write_text("")

    # When
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "missing.tfrc"))
    without = terraform.terraform_environment()
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(there))
    within = terraform.terraform_environment()

    # Then
    assert "TF_CLI_CONFIG_FILE" not in without
    assert within["TF_CLI_CONFIG_FILE"] == str(there)


def test_credentials_of_the_user_do_not_reach_terraform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    environment = terraform.terraform_environment()
    assert not {"AWS_PROFILE", "AWS_ACCESS_KEY_ID"} & set(environment)


def test_the_named_plugin_folder_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given
    provider = tmp_path / "registry.terraform.io/hashicorp/aws/5.100.0" / terraform._platform()
    provider.mkdir(parents=True)
    monkeypatch.setenv("TF_PLUGIN_DIR", str(tmp_path))

    # Then
    assert terraform.plugin_folder() == tmp_path


def test_a_plugin_folder_with_another_version_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given
    provider = tmp_path / "registry.terraform.io/hashicorp/aws/5.99.0" / terraform._platform()
    provider.mkdir(parents=True)
    monkeypatch.setenv("TF_PLUGIN_DIR", str(tmp_path))

    # Then
    assert terraform.plugin_folder() != tmp_path


@pytest.mark.usefixtures("_no_programs")
def test_without_redis_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(Problem, match=r"apt-get install redis-server.*Docker"):
        redis.redis_command(6380, "trial")


@pytest.mark.usefixtures("_no_programs")
def test_docker_runs_redis_where_there_is_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 0\n")
    docker.chmod(0o755)

    # When
    command = redis.redis_command(6380, "trial")

    # Then
    assert command[:2] == ("docker", "run")
    assert "127.0.0.1:6380:6379" in command


def test_redis_listens_on_loopback_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Given
    server = tmp_path / "redis-server"
    server.write_text("#!/bin/sh\n")
    server.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    # When
    command = redis.redis_command(6380, "trial")

    # Then
    assert command[0] == str(server)
    assert command[command.index("--bind") + 1] == "127.0.0.1"


@pytest.mark.usefixtures("_no_programs")
def test_without_mariadb_it_is_said_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(Problem, match=r"apt-get install mariadb-server.*Docker"):
        mariadb.MariaDb(tmp_path / "data", 3307, "trial").command()


@pytest.mark.usefixtures("_no_programs")
def test_docker_runs_mariadb_where_there_is_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 0\n")
    docker.chmod(0o755)
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    # When
    command = mariadb.MariaDb(tmp_path / "kept", 3307, "trial").command()

    # Then it keeps its data outside of the container
    assert command[:2] == ("docker", "run")
    assert "127.0.0.1:3307:3306" in command
    assert f"{tmp_path / 'kept' / 'data'}:/var/lib/mysql" in command


def test_mariadb_listens_on_loopback_only_and_data_is_made_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given programs that note what they are told
    programs, folder = tmp_path / "bin", tmp_path / "kept"
    programs.mkdir()
    for name in ("mariadbd", "mariadb-install-db"):
        program = programs / name
        program.write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/{name}\n'
            'for a in "$@"; do\n'
            'case "$a" in --datadir=*) /bin/mkdir -p "${a#*=}/mysql";; esac\n'
            "done\n"
        )
        program.chmod(0o755)
    monkeypatch.setattr(mariadb, "_PATH", str(programs))
    server = mariadb.MariaDb(folder, 3307, "trial")

    # When
    command = server.command()
    assert server.command() == command

    # Then
    assert command[0] == str(programs / "mariadbd")
    assert {"--bind-address=127.0.0.1", "--port=3307", f"--datadir={folder / 'data'}"} <= set(
        command
    )
    made = (tmp_path / "mariadb-install-db").read_text().splitlines()
    assert len(made) == 1
    assert "--auth-root-authentication-method=socket" in made[0]


def test_an_old_mariadb_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Given
    program = tmp_path / "mariadbd"
    program.write_text("#!/bin/sh\necho 'mariadbd  Ver 10.5.29-MariaDB for debian-linux-gnu'\n")
    program.chmod(0o755)
    monkeypatch.setattr(mariadb, "_PATH", str(tmp_path))

    # When, then
    with pytest.raises(Problem, match=r"MariaDB 10\.5 is too old"):
        mariadb.MariaDb(tmp_path / "kept", 3307, "trial").command()


def test_a_socket_has_a_short_path(tmp_path: Path) -> None:
    # Given folders of which one is too deep for a socket
    deep = mariadb.MariaDb(tmp_path / ("deep" * 30), 3307, "trial")
    other = mariadb.MariaDb(tmp_path / ("deeper" * 30), 3308, "trial")

    # Then each has one of its own, that an address of the kernel's has room for
    assert len(str(deep.socket)) <= 100
    assert deep.socket != other.socket
    assert mariadb.MariaDb(Path("/s"), 3307, "trial").socket == Path("/s/socket")


@pytest.mark.usefixtures("_no_programs")
def test_without_uv_it_is_said_how_to_get_it() -> None:
    with pytest.raises(Problem, match="make up"):
        uv.find_uv()


def test_settings_for_pip_hold_for_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    for name in ("UV_DEFAULT_INDEX", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels")
    monkeypatch.setenv("UV_INDEX", "https://kept.example/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://other.example/simple")

    # When
    environment = uv.uv_environment()

    # Then
    assert environment["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert environment["UV_FIND_LINKS"] == "/wheels"
    assert environment["UV_INDEX"] == "https://kept.example/simple"
