"""Handlers that do what functions do at their worst."""

import ctypes
import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SLASH_TMP = Path("/tmp")  # noqa: S108 - Lambda gives each environment one
calls = 0


def echo(event, context):
    """Answer with the event and how often this environment was used."""
    global calls
    calls += 1
    return {"event": event, "calls": calls, "pid": os.getpid()}


def raises(event, context):
    raise ValueError("no such luck")


def exits(event, context):
    sys.exit(event["status"])


def segfaults(event, context):
    ctypes.string_at(0)


def loops(event, context):
    child = subprocess.Popen(["/bin/sleep", "600"])
    Path(event["pids"]).write_text(f"{os.getpid()} {child.pid}")
    while True:
        pass


def takes_memory(event, context):
    held = []
    while True:
        held.append(bytearray(16 * 1024 * 1024))


def holds(event, context):
    """Hold memory for just a moment."""
    return len(bytearray(event["megabytes"] * 1024 * 1024))


def answers_much(event, context):
    return "x" * event["characters"]


def sleeps(event, context):
    time.sleep(event["seconds"])
    return os.getpid()


def variables(event, context):
    return dict(os.environ)


def context(event, context):
    return {
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "remaining": context.get_remaining_time_in_millis(),
        "memory": context.memory_limit_in_mb,
        "trace": os.environ["_X_AMZN_TRACE_ID"],
    }


def temporary_files(event, context):
    folder = Path(tempfile.gettempdir())
    found = sorted(path.name for path in folder.iterdir())
    (folder / "mine").touch()
    return {
        "found": found,
        "slash_tmp": sorted(path.name for path in SLASH_TMP.iterdir()),
        "folder": str(folder),
    }


def prints(event, context):
    print("a plain line")
    print("an error", file=sys.stderr)
    print("unfinished", end="")


def prints_much(event, context):
    print("\n".join(["line of a function's log"] * event["lines"]))


def measures(event, context):
    print(
        json.dumps(
            {
                "_aws": {
                    "Timestamp": int(time.time() * 1000),
                    "CloudWatchMetrics": [
                        {
                            "Namespace": "Trials",
                            "Dimensions": [["route"], ["route", "method"]],
                            "Metrics": [{"Name": "latency", "Unit": "Milliseconds"}],
                        }
                    ],
                },
                "route": "/items",
                "method": "GET",
                "latency": [5, 7, 5],
            }
        )
    )


def reads_a_table(event, context):
    import boto3

    found = boto3.client("dynamodb").scan(TableName=event["table"])
    return found["Count"]


def starts_a_child(event, context):
    """Leave a process behind that has left the process group too."""
    child = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
    return {"pid": os.getpid(), "child": child.pid}


def terminated(event, context):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)


def sandbox(event, context):
    """Tell what a function sees of where it is."""
    refused = []
    for place in ("/", "/var/task", "/opt/python", "/etc", "/dev"):
        try:
            Path(place, "mine").touch()
        except OSError as error:
            refused.append((place, errno.errorcode[error.errno]))
    Path("/dev/null").write_text("gone")
    return {
        "user": (os.getuid(), os.getgid(), os.getgroups()),
        "refused": refused,
        "processes": [path.name for path in Path("/proc").iterdir() if path.name.isdecimal()],
        "folder": str(Path.cwd()),
        "status": Path("/proc/self/status").read_text().splitlines(),
        "python": sys.version_info[:2],
    }


def layered(event, context):
    import layered

    return {"layer": layered.__file__, "version": layered.version, "handler": __file__}
