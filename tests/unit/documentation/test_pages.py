"""What the documentation names is there: links, commands, functions, problems, tests, hosts."""

from __future__ import annotations

import re
import shlex
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
import typer.main

from tools.catalogue import catalogue
from tools.cli import app
from tools.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import click

README = ROOT / "README.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
API = ROOT / "docs" / "api.md"
LOCAL = ROOT / "docs" / "local.md"
DECISIONS = ROOT / "docs" / "decisions"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

# Whom readers may be sent to; a registry or a machine of ours is nobody else's business.
HOSTS = {"127.0.0.1"}
# Whose tokens may be used: addresses to set, not to go to.
ISSUERS = {"cognito-idp.", "login.microsoftonline.com"}

CODE_BLOCK = re.compile(r"^ *```[^\n]*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def code(page: Path) -> Iterator[str]:
    """Yield the lines of a page's code blocks, and its code spans."""
    for block in CODE_BLOCK.findall(page.read_text()):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", prose(page))


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return CODE_BLOCK.sub("", page.read_text())


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, by GitHub's rule."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def make_targets() -> set[str]:
    """Return the targets that `make help` lists."""
    makefile = (ROOT / "Makefile").read_text()
    return set(re.findall(r"^([a-z0-9-]+):.*## ", makefile, re.MULTILINE))


def table(page: Path, heading: str) -> list[list[str]]:
    """Return the rows of the first table below a heading."""
    section = page.read_text().partition(f"\n## {heading}\n")[2]
    lines = re.search(r"^\|.*?(?=^[^|]|\Z)", section, re.DOTALL | re.MULTILINE)
    assert lines, f"no table below {heading}"
    rows = [re.split(r" \| ", line.strip("| ")) for line in lines[0].strip().splitlines()]
    return rows[2:]


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    broken = []
    for link in links:
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not urlsplit(link).scheme and (
            not target.exists() or (anchor and anchor not in anchors(target))
        ):
            broken.append(link)
    assert broken == []


@every_page
def test_make_targets_exist(page: Path) -> None:
    named = {
        word
        for line in code(page)
        for words in re.findall(r"(?:^|[$(] ?|=\S+ )make ((?:[a-z0-9-]+ ?)+)", line)
        for word in words.split()
    }
    assert named - make_targets() == set()


def test_every_make_target_is_in_the_readme() -> None:
    described = {row[0].strip("`").split()[1] for row in table(README, "Commands")}
    assert described == make_targets()


@every_page
def test_commands_and_their_options_exist(page: Path) -> None:
    called = [
        shlex.split(words)
        for line in code(page)
        for words in re.findall(
            r"(?:^|[ /])itemstream ((?:[a-z][\w-]*|--?\w+|\"[^\"]*\")(?:.*))", line
        )
    ]
    unknown = [words for words in called if not is_command(typer.main.get_command(app), words)]
    assert unknown == []


def is_command(command: click.Command, words: list[str]) -> bool:
    """Whether `words` are subcommands of `command` with options that they have."""
    subcommands = getattr(command, "commands", None)
    if subcommands is not None:
        return (
            bool(words) and words[0] in subcommands and is_command(subcommands[words[0]], words[1:])
        )
    options = {option for parameter in command.params for option in parameter.opts}
    return all(word in options for word in words if word.startswith("-"))


def test_the_functions_are_those_of_the_catalogue() -> None:
    document = catalogue()
    defaults = document["defaults"]
    expected = []
    for name, entry in document["functions"].items():
        function = {**defaults, **entry}
        routes = function.get("routes", [])
        # A WebSocket has no scope for each route: its handshake needs one.
        scopes = {route["scope"] for route in routes if "scope" in route}
        access = [
            f"{resource}: {' '.join(actions)}"
            for grants in function.get("access", {}).values()
            for resource, actions in grants.items()
        ]
        concurrency = {**defaults["concurrency"], **function["concurrency"]}
        expected.append(
            [
                f"`{name}`",
                " · ".join(f"`{name_of(route)}`" for route in routes) or "–",
                ", ".join(f"`{scope}`" if scope else "none" for scope in scopes) or "–",
                ", ".join(access) or "none",
                str(function["memory"]),
                str(function["timeout"]),
                str(concurrency["reserved"]),
                str(concurrency["provisioned"]),
            ]
        )
    assert table(ARCHITECTURE, "The functions") == expected


def name_of(route: dict[str, Any]) -> str:
    """Return a route as readers know it: method and path, or a WebSocket's route key."""
    return route["key"] if "key" in route else f"{route['method']} {route['path']}"


def test_every_problem_type_is_explained() -> None:
    raised = {
        slug
        for folder in ("layers/python", "functions", "authorizers")
        for file in (ROOT / folder).rglob("*.py")
        for slug in re.findall(r'slug="([a-z-]+)"', file.read_text())
    }
    rows = [row[0].strip("`") for row in table(API, "Problems")]
    explained = {
        row.removeprefix("urn:itemstream:problem:") for row in rows if row.startswith("urn")
    }
    assert raised
    assert explained == raised


@every_page
def test_tests_that_are_named_exist(page: Path) -> None:
    missing = []
    files = {path: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    for span in code(page):
        for folder, file, name in re.findall(
            r"^(tests/[\w/]*/)?(test_\w+\.py)?(?:::)?(test_\w+)?$", span
        ):
            candidates = [
                text
                for path, text in files.items()
                if path.as_posix().endswith(folder + file if file else ".py")
            ]
            if (file or name) and not any(f"def {name}" in text for text in candidates):
                missing.append(span)
    assert missing == []


def test_every_patch_is_listed() -> None:
    launcher = (ROOT / "tools/local_aws/launcher.py").read_text()
    imported = re.search(r"from tools\.local_aws import \((.*?)\)", launcher, re.DOTALL)
    assert imported
    patches = {f"{name}.py" for name in re.findall(r"\w+", imported[1])}
    assert {row[0].strip("`") for row in table(LOCAL, "The patches")} == patches


def test_every_decision_is_in_the_index() -> None:
    index = dict(
        re.findall(r"\((\d{4}[\w-]+\.md)\) \| (.+) \|", (DECISIONS / "README.md").read_text())
    )
    records = {
        path.name: path.read_text().splitlines()[0].partition(": ")[2]
        for path in DECISIONS.glob("[0-9]*.md")
    }
    assert index == records


@every_page
def test_settings_that_are_named_are_read(page: Path) -> None:
    sources = [*(ROOT / "tools").rglob("*.py"), ROOT / "tools" / "bootstrap.sh"]
    read = {name for file in sources for name in re.findall(r"ITEMSTREAM_\w+", file.read_text())}
    assert set(re.findall(r"ITEMSTREAM_\w+", page.read_text())) - read == set()


@every_page
def test_readers_are_sent_to_no_other_host(page: Path) -> None:
    addresses = re.findall(r"https?://[^\s)`\"<]+", page.read_text())
    assert {urlsplit(address).hostname for address in addresses} - HOSTS - ISSUERS == set()
