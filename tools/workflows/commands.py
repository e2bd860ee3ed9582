"""The commands of a step's script."""

from __future__ import annotations

import re
import shlex

__all__ = ["commands"]

_BETWEEN = {";", ";;", "|", "||", "&", "&&", "(", ")", "{", "}", "!"}
_KEYWORDS = {"if", "then", "elif", "else", "fi", "while", "until", "do", "done"}
_REDIRECTIONS = {">", ">>", "<", "<<<", ">&"}
_ASSIGNMENT = re.compile(r"\w+=")


def commands(script: str) -> list[list[str]]:
    """
    Return the words of each simple command of a script, without redirections and assignments.

    It knows what our scripts use of bash: lists, pipes, `if`, and substitutions that are not
    inside quotes.
    """
    found = []
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        tokens = iter([*lexer, ";"])
        for token in tokens:
            if token in _BETWEEN:
                found.append(words)
                words = []
            elif token in _REDIRECTIONS:
                next(tokens)
            elif words or not (token in _KEYWORDS or _ASSIGNMENT.match(token)):
                words.append(token)
    return [words for words in found if words]
