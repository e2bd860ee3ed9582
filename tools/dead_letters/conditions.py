"""`--filter`: which dead letters are meant, as a JMESPath expression over one letter.

JMESPath because whoever works with AWS's command line knows it from `--query`. The fields are those
of `itemstream dlq show --json`; a letter is meant when the expression is true for it (JMESPath's
truth: not null, false, 0-length).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jmespath  # type: ignore[import-untyped]
from jmespath.exceptions import JMESPathError  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from tools.dead_letters.letters import Letter

__all__ = ["Condition", "read_condition"]


@dataclass(frozen=True)
class Condition:
    """A compiled expression; an empty one holds for every letter."""

    text: str
    _compiled: Any = None

    def holds(self, letter: Letter) -> bool:
        """Whether the letter is meant. A function given a wrong type means that it is not."""
        if self._compiled is None:
            return True
        try:
            found = self._compiled.search(letter.document())
        except JMESPathError:
            # contains(payload.detail.type, …) of a letter that has no such field.
            return False
        # In JMESPath 0 is true.
        return bool(found) or (found == 0 and found is not False)


def read_condition(text: str) -> Condition:
    """
    Compile an expression.

    Raises
    ------
    ValueError
        If it is not JMESPath.
    """
    if not text:
        return Condition("")
    try:
        return Condition(text, jmespath.compile(text))
    except JMESPathError as error:
        raise ValueError(str(error)) from None
