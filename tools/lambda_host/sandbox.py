"""A sandbox as on Lambda: a read-only root, a ``/tmp``, processes and mounts of its own.

Made by util-linux (unshare(1), mount(8)) and Linux's overlay file system, as root. All mounts are
in a namespace that ends with its last process, so nothing is left to unmount.
"""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

from tools.lambda_host.launcher import data_kilobytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tools.lambda_host.launcher import Launch

__all__ = ["WRAPPERS", "Sandbox"]

# Lambda runs functions as this user, whatever their image says.
_USER, _GROUP = 993, 990
# unshare, which waits for the first process of its process namespace, and that process: a shell.
WRAPPERS = 2
# What the kernel's own devices are: https://www.kernel.org/doc/html/latest/admin-guide/devices.html
_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
_LINKS = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}
# The network is the machine's, and so are its names.
_NAMES = ("hosts", "resolv.conf")
# The shell stays, as the first process of the namespace: all others end with it, and it with
# unshare. The death signal of what changes its user would be forgotten.
_ENTER = """
limit=$1 layers=$2 root=$3 tmp=$4 folder=$5 && shift 5 &&
ulimit -c 0 && ulimit -d "$limit" &&
{mount} -t overlay -o "ro,nosuid,lowerdir=$layers" overlay "$root" &&
{mount} --bind -o nosuid,nodev "$tmp" "$root/tmp" &&
{mount} -t proc -o nosuid,nodev,noexec proc "$root/proc" &&
{setpriv} --no-new-privs {unshare} --root="$root" --wd="$folder" \\
  --setgid {group} --setuid {user} "$@"
exit $?
"""


class Sandbox:
    """
    Builds the commands that start a program in a sandbox.

    Parameters
    ----------
    folder
        For the files that every sandbox has beside its image's, and the empty mount point.
    """

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self._root = folder / "root"
        self._root.mkdir(parents=True)
        self._surroundings = folder / "surroundings"
        _lay_out(self._surroundings)
        mount, self._unshare, self._setpriv = (
            shutil.which(tool) or tool for tool in ("mount", "unshare", "setpriv")
        )
        self._enter = _ENTER.format(
            mount=mount, unshare=self._unshare, setpriv=self._setpriv, user=_USER, group=_GROUP
        )

    def command(
        self, launch: Launch, layers: Sequence[Path], working_folder: str, program: Sequence[str]
    ) -> list[str]:
        """
        Return the command that runs `program` on a root made of `layers`, the lowest first.

        The environment variables of the command are the program's.
        """
        os.chown(launch.folder, _USER, _GROUP)
        highest_first = [self._surroundings, *reversed(layers)]
        return [
            *(self._setpriv, "--pdeathsig", "KILL"),
            *(self._unshare, "--mount", "--propagation", "private", "--pid", "--kill-child=KILL"),
            *("/bin/sh", "-c", self._enter, "sh"),
            str(data_kilobytes(launch.configuration.memory)),
            ":".join(str(layer) for layer in highest_first),
            *(str(self._root), str(launch.folder), working_folder),
            *program,
        ]


def _lay_out(folder: Path) -> None:
    """Make the devices, names and mount points of every sandbox."""
    for name in ("dev", "etc", "proc", "tmp"):
        (folder / name).mkdir(parents=True)
    for name, (major, minor) in _DEVICES.items():
        device = folder / "dev" / name
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(major, minor))
        # What mknod makes is cut by our umask.
        device.chmod(0o666)
    for name, descriptor in _LINKS.items():
        (folder / "dev" / name).symlink_to(f"/proc/self/fd{descriptor}")
    for name in _NAMES:
        shutil.copy(f"/etc/{name}", folder / "etc" / name)
