"""What the page about the network says of functions is what the catalogue says."""

from __future__ import annotations

import re

from tools.catalogue import catalogue
from tools.project import ROOT

PAGE = (ROOT / "docs" / "network.md").read_text()


def test_each_peer_is_reached_by_the_functions_that_the_page_names() -> None:
    # Given the functions that name a peer, and the page's table of them
    functions = catalogue()["functions"]
    peers = {peer for entry in functions.values() for peer in entry.get("network", [])}
    rows = re.findall(r"^\| `(\w+)`[^|]*\| (`.+`) \|$", PAGE, re.MULTILINE)

    # Then both say the same
    assert {peer: set(re.findall(r"`(\w+)`", named)) for peer, named in rows} == {
        peer: {name for name, entry in functions.items() if peer in entry.get("network", [])}
        for peer in peers
    }


def test_the_page_counts_functions_inside_and_outside() -> None:
    functions = catalogue()["functions"].values()
    inside = sum(bool(entry.get("network")) for entry in functions)
    assert f"[{inside} functions]" in PAGE
    assert f"[{len(functions) - inside} functions outside]" in PAGE
    assert f"The other {len(functions) - inside} stay outside" in PAGE
