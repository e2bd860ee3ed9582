"""Start AWS's runtime client as its own images do: the task first, then layers, then the runtime.

PYTHONPATH, where somebody set it, takes the place of the layers' folders.
https://docs.aws.amazon.com/lambda/latest/dg/python-package.html#python-package-searchpath
"""

import os
import sys

if "PYTHONPATH" not in os.environ:
    sys.path.insert(0, "/opt/python")
    sys.path.insert(0, "/opt/python/lib/python3.13/site-packages")
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])

from awslambdaric.__main__ import main  # type: ignore[import-untyped]

main(sys.argv)
