"""Passwords are rotated on a real server, and nobody is locked out."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from itemstream.dependencies import DependencyUnavailable
from itemstream.mysql.connection import Database
from itemstream.mysql.passwords import FixedPassword
from itemstream.rotation.database_mysql import DatabasePassword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.mariadb import MariaDbServer

FIRST = json.dumps({"username": "rotated", "password": "the first"})


class Users:
    """A server with a user whose password is rotated, and one who may do that."""

    def __init__(self, server: MariaDbServer) -> None:
        self.server = server
        owner = self.database("rotating", "owner's")
        self.rotation = DatabasePassword(self.database, owner)

    def database(self, user: str, password: str) -> Database:
        settings = replace(self.server.settings, database_user=user)
        return Database(settings, password=FixedPassword(password))

    def lets_in(self, secret: str) -> bool:
        credentials = json.loads(secret)
        with closing(self.database(credentials["username"], credentials["password"])) as database:
            try:
                return list(database.rows("SELECT 1")) == [(1,)]
            except DependencyUnavailable:
                return False

    def rotated(self, current: str) -> str:
        pending = self.rotation.make(current)
        self.rotation.set(pending, current)
        self.rotation.test(pending)
        return pending


@pytest.fixture
def users(mariadb_session: MariaDbServer) -> Iterator[Users]:
    with mariadb_session.as_root() as cursor:
        cursor.execute("CREATE USER rotated IDENTIFIED BY 'the first'")
        cursor.execute('CREATE USER rotating IDENTIFIED BY "owner\'s"')
        for user in ("rotated", "rotating"):
            cursor.execute(f"GRANT SELECT ON itemstream.* TO {user}")
        cursor.execute("GRANT CREATE USER ON *.* TO rotating")
    yield Users(mariadb_session)
    with mariadb_session.as_root() as cursor:
        cursor.execute("DROP USER rotated, rotating")


def test_the_new_and_the_last_password_are_good_and_older_ones_are_not(users: Users) -> None:
    second = users.rotated(FIRST)
    assert [users.lets_in(secret) for secret in (FIRST, second)] == [True, True]

    third = users.rotated(second)
    assert [users.lets_in(secret) for secret in (FIRST, second, third)] == [False, True, True]


def test_a_step_that_comes_again_changes_nothing(users: Users) -> None:
    # Given
    pending = users.rotation.make(FIRST)
    users.rotation.set(pending, FIRST)

    # When
    users.rotation.set(pending, FIRST)

    # Then
    assert users.lets_in(FIRST)
    assert users.lets_in(pending)


def test_a_rotation_that_was_given_up_locks_nobody_out_of_the_next(users: Users) -> None:
    # Given a password that was set and never put in use
    given_up = users.rotation.make(FIRST)
    users.rotation.set(given_up, FIRST)

    # When
    second = users.rotated(FIRST)

    # Then
    assert users.lets_in(FIRST)
    assert users.lets_in(second)
    assert not users.lets_in(given_up)


def test_a_password_that_was_not_set_fails_its_test(users: Users) -> None:
    with pytest.raises(DependencyUnavailable):
        users.rotation.test(users.rotation.make(FIRST))
