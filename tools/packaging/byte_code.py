"""Compile Python files as Lambda will run them: `python byte_code.py FOLDER IMPORTED_AS`.

Byte code is marked unchecked-hash: an import then reads no source and compares no times, and the
files do not depend on when they were written. Run with PYTHONHASHSEED=0, in one process, so that
constants come out in the same order every time. Imports the standard library only: the
interpreter that compiles is the target's, not ours.
"""

import pathlib
import py_compile
import sys


def compile_below(folder: pathlib.Path, imported_as: str) -> None:
    """
    Compile every file below `folder`.

    Parameters
    ----------
    folder
        Where the sources are now.
    imported_as
        Where they will be: the path that tracebacks show.
    """
    for source in sorted(folder.rglob("*.py")):
        shown = f"{imported_as}/{source.relative_to(folder).as_posix()}"
        try:
            py_compile.compile(
                str(source),
                dfile=shown,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except py_compile.PyCompileError as problem:
            # A package may carry templates or files for other Python versions; nobody imports them.
            sys.stderr.write(f"not compiled: {shown}: {problem.exc_type_name}\n")


if __name__ == "__main__":
    compile_below(pathlib.Path(sys.argv[1]), sys.argv[2])
