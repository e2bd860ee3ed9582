"""A TCP proxy that passes everything on, and each answer only after a while."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def slow_proxy(port: int, seconds: float) -> Iterator[int]:
    """Stand before a port of this machine; yield the port to connect to instead."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(
            target=_accept, args=(listener, port, seconds, ended), daemon=True
        )
        accepting.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            ended.set()
            # Closing alone does not wake who accepts.
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
    accepting.join()


def _accept(listener: socket.socket, port: int, seconds: float, ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(client, port, seconds, ended), daemon=True).start()


def _serve(client: socket.socket, port: int, seconds: float, ended: threading.Event) -> None:
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        asking = threading.Thread(target=_pass_on, args=(client, server, 0.0, ended), daemon=True)
        asking.start()
        _pass_on(server, client, seconds, ended)
        asking.join()


def _pass_on(
    source: socket.socket, target: socket.socket, seconds: float, ended: threading.Event
) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            ended.wait(seconds)
            target.sendall(data)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
