"""What `migrate` makes of a server, whatever was there before."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pymysql
import pytest
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.config.secrets import _provider
from itemstream.dependencies import DependencyUnavailable
from itemstream.mysql.connection import Database
from itemstream.mysql.owner import OwnerSettings, bring_up_to_date
from itemstream.mysql.passwords import SecretPassword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.mariadb import MariaDbServer

OWNER = "owner_of_tests"
USER = "user_of_tests"


@pytest.fixture
def settings(mariadb_session: MariaDbServer, aws: None) -> Iterator[OwnerSettings]:
    """Give an owner with an empty database, and secrets of which the user's has no value."""
    with mock_aws(), mariadb_session.as_root(None) as cursor:
        _provider.cache_clear()
        cursor.execute("CREATE DATABASE owned")
        cursor.execute(f"CREATE USER {OWNER} IDENTIFIED BY 'owner'")
        cursor.execute(f"GRANT ALL PRIVILEGES ON owned.* TO {OWNER} WITH GRANT OPTION")
        cursor.execute(f"GRANT CREATE USER ON *.* TO {OWNER}")
        manager = aws_client("secretsmanager")
        manager.create_secret(Name="owner", SecretString=json.dumps({"password": "owner"}))
        manager.create_secret(Name="user")
        there = mariadb_session.settings
        yield OwnerSettings(
            there.database_host, there.database_port, "owned", USER, "user", OWNER, "owner"
        )
        cursor.execute("DROP DATABASE owned")
        cursor.execute(f"DROP USER {OWNER}")
        cursor.execute(f"DROP USER IF EXISTS {USER}")
        _provider.cache_clear()


def password() -> str:
    value: dict[str, str] = json.loads(
        aws_client("secretsmanager").get_secret_value(SecretId="user")["SecretString"]
    )
    assert value["username"] == USER
    return value["password"]


def tables(settings: OwnerSettings) -> list[Any]:
    _provider.cache_clear()
    user = Database(settings.database(USER, ""), password=SecretPassword("user"))
    with closing(user):
        return list(user.rows("SHOW TABLES LIKE 'item%%'"))


def test_a_new_server_gets_its_schema_and_its_user(settings: OwnerSettings) -> None:
    # When
    outcome = bring_up_to_date(settings)

    # Then functions may log in with what is in the secret
    assert outcome.applied[0] == "0001_reports"
    assert len(outcome.applied) == outcome.migrations
    assert outcome.user == "made"
    assert tables(settings) == [("item_changes",), ("items_current",)]
    assert len(password()) > 40


def test_a_second_time_nothing_is_done(settings: OwnerSettings) -> None:
    # Given
    bring_up_to_date(settings)
    before = password()

    # When
    again = bring_up_to_date(settings)

    # Then
    assert (again.applied, again.user) == ([], "kept")
    assert password() == before


def test_a_user_may_read_and_write_rows_and_nothing_else(settings: OwnerSettings) -> None:
    # Given
    bring_up_to_date(settings)
    user = Database(settings.database(USER, ""), password=SecretPassword("user"))

    # When, then
    with closing(user):
        for forbidden in (
            "DROP TABLE item_changes",
            "CREATE TABLE others (id INT)",
            "ALTER TABLE item_changes ADD COLUMN more INT",
            "SELECT * FROM mysql.user",
            f"ALTER USER {OWNER} IDENTIFIED BY 'mine'",
        ):
            with pytest.raises(pymysql.err.OperationalError), user.transaction() as cursor:
                cursor.execute(forbidden)


@pytest.mark.parametrize("lost", ["user", "secret", "password"])
def test_what_was_lost_is_made_anew(
    settings: OwnerSettings, mariadb_session: MariaDbServer, lost: str
) -> None:
    # Given a server and secrets of which one was reset without the other
    bring_up_to_date(settings)
    manager = aws_client("secretsmanager")
    if lost == "secret":
        manager.delete_secret(SecretId="user", ForceDeleteWithoutRecovery=True)
        manager.create_secret(Name="user")
    else:
        with mariadb_session.as_root(None) as cursor:
            change = f"DROP USER {USER}" if lost == "user" else f"SET PASSWORD FOR {USER} = ''"
            cursor.execute(change)

    # When
    outcome = bring_up_to_date(settings)

    # Then
    assert outcome.user == "made"
    assert tables(settings)


def test_a_server_that_is_away_is_said_to_be(settings: OwnerSettings) -> None:
    with pytest.raises(DependencyUnavailable):
        bring_up_to_date(replace(settings, database_port=9))
