"""Which environments there are, and which of them serves the next invocation."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tools.lambda_host.answers import FUNCTION_LIMIT, HOST_LIMIT, ThrottledError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable

    from tools.lambda_host.configuration import FunctionConfiguration
    from tools.lambda_host.environment import Environment
    from tools.lambda_host.limits import HostLimits

_log = logging.getLogger(__name__)

_REAP_SECONDS = 2.0


@dataclass
class Fleet:
    """The environments of one revision of one version of a function.

    Attributes
    ----------
    provisioned
        How many are kept warm.
    superseded
        Whether the version has a newer revision: environments that become idle are ended.
    idle
        The most recently used one is last.
    waiters
        Invocations without an environment, the oldest first.
    starting
        Environments on their way.
    """

    configuration: FunctionConfiguration
    provisioned: int = 0
    superseded: bool = False
    environments: set[Environment] = field(default_factory=set)
    idle: list[Environment] = field(default_factory=list)
    waiters: deque[asyncio.Future[Environment]] = field(default_factory=deque)
    starting: int = 0

    @property
    def size(self) -> int:
        """Environments that are there or on their way."""
        return len(self.environments) + self.starting

    @property
    def lacking(self) -> int:
        """How many more must be started."""
        return max(len(self.waiters) - self.starting, self.provisioned - self.size)


class Pool:
    """Gives each invocation an environment: a warm one, else a new one, within all limits.

    Parameters
    ----------
    start
        Makes an environment of a version and runs its Init phase; the flag says whether it is a
        provisioned one.
    outdated
        Tells whether an environment must not be used again: old source, old credentials.
    """

    def __init__(
        self,
        start: Callable[[FunctionConfiguration, bool], Awaitable[Environment]],
        outdated: Callable[[Environment], bool],
        limits: HostLimits,
    ) -> None:
        self._start_environment = start
        self._outdated = outdated
        self._limits = limits
        self._fleets: dict[tuple[str, str, str], Fleet] = {}
        self._starts = asyncio.Semaphore(limits.starts)
        self._tasks: set[asyncio.Task[None]] = set()
        self.running: Counter[str] = Counter()

    def open(self) -> None:
        """Begin to end what idles."""
        self._spawn(self._reap())

    async def close(self) -> None:
        """End every environment."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        environments = [e for fleet in self._fleets.values() for e in fleet.environments]
        await asyncio.gather(*(environment.stop() for environment in environments))

    async def acquire(
        self, configuration: FunctionConfiguration, reserved: int | None
    ) -> Environment:
        """Return an environment for one invocation; give it back with :meth:`release`.

        Parameters
        ----------
        reserved
            The function's reserved concurrency: most invocations of all its versions at once.

        Raises
        ------
        ThrottledError
            At the reserved concurrency, or when the host is full and so is its queue.
        """
        name = configuration.name
        if reserved is not None and self.running[name] >= reserved:
            raise ThrottledError(FUNCTION_LIMIT)
        self.running[name] += 1
        try:
            fleet = self._fleet(configuration)
            return self._warm(fleet) or await self._wait(fleet)
        except BaseException:
            self.running[name] -= 1
            raise

    def release(self, environment: Environment) -> None:
        """Take back an environment after its invocation."""
        configuration = environment.setting.configuration
        self.running[configuration.name] -= 1
        fleet = self._fleet(configuration)
        if starving := self._starving():
            self._retire(fleet, environment)
            self._begin(starving)
        else:
            self._offer(fleet, environment)
        self._start_lacking()

    def provision(self, wanted: Iterable[tuple[FunctionConfiguration, int]]) -> None:
        """Keep that many environments of these versions warm, and of no others."""
        for fleet in self._fleets.values():
            fleet.provisioned = 0
        for configuration, count in wanted:
            self._fleet(configuration).provisioned = count
        self._start_lacking()

    def counts(self) -> dict[str, int]:
        """Return the numbers of environments, and of invocations that run or wait."""
        fleets = self._fleets.values()
        return {
            "environments": sum(len(fleet.environments) for fleet in fleets),
            "idle": sum(len(fleet.idle) for fleet in fleets),
            "starting": sum(fleet.starting for fleet in fleets),
            "waiting": sum(len(fleet.waiters) for fleet in fleets),
            "running": self.running.total(),
        }

    def _fleet(self, configuration: FunctionConfiguration) -> Fleet:
        key = (configuration.name, configuration.version, configuration.revision)
        if (fleet := self._fleets.get(key)) is None:
            for other in self._fleets.values():
                if (other.configuration.name, other.configuration.version) == key[:2]:
                    other.superseded = True
                    self._retire(other, *other.idle)
            fleet = self._fleets[key] = Fleet(configuration)
        return fleet

    def _warm(self, fleet: Fleet) -> Environment | None:
        while fleet.idle:
            environment = fleet.idle.pop()
            if environment.alive and not self._outdated(environment):
                return environment
            self._retire(fleet, environment)
        return None

    async def _wait(self, fleet: Fleet) -> Environment:
        if sum(len(other.waiters) for other in self._fleets.values()) >= self._limits.queue:
            raise ThrottledError(HOST_LIMIT)
        waiter: asyncio.Future[Environment] = asyncio.get_running_loop().create_future()
        fleet.waiters.append(waiter)
        self._start_lacking()
        done, _ = await asyncio.wait((waiter,), timeout=self._limits.queue_seconds)
        if done:
            return waiter.result()
        fleet.waiters.remove(waiter)
        raise ThrottledError(HOST_LIMIT)

    def _offer(self, fleet: Fleet, environment: Environment) -> None:
        """Hand a usable environment to who waits for it longest, or keep it."""
        # One that is kept is looked at when it is taken: once is enough, and it has its cost.
        outdated = fleet.waiters and self._outdated(environment)
        if not environment.alive or outdated:
            self._retire(fleet, environment)
        elif fleet.waiters:
            fleet.waiters.popleft().set_result(environment)
        elif fleet.superseded:
            self._retire(fleet, environment)
        else:
            fleet.idle.append(environment)

    def _starving(self) -> Fleet | None:
        """Return a function that waits and has nothing, because others take all the room."""
        fleets = self._fleets.values() if self._full() else ()
        return next((fleet for fleet in fleets if fleet.waiters and not fleet.size), None)

    def _full(self) -> bool:
        return sum(fleet.size for fleet in self._fleets.values()) >= self._limits.environments

    def _retire(self, fleet: Fleet, *environments: Environment) -> None:
        for environment in environments:
            fleet.environments.discard(environment)
            with suppress(ValueError):
                fleet.idle.remove(environment)
            self._spawn(environment.stop())

    def _start_lacking(self) -> None:
        # No more than can start at once: a warm environment may be free sooner, and nothing is to
        # be evicted in vain.
        for fleet in self._fleets.values():
            while (
                fleet.lacking > 0
                and fleet.starting < self._limits.starts
                and self._make_room(fleet)
            ):
                self._begin(fleet)

    def _begin(self, fleet: Fleet) -> None:
        fleet.starting += 1
        self._spawn(self._start(fleet))

    def _make_room(self, fleet: Fleet) -> bool:
        if not self._full():
            return True
        # A provisioned environment makes room only for an invocation, never for another like it.
        candidates = [
            (len(other.environments) <= other.provisioned, idle.last_used, other, idle)
            for other in self._fleets.values()
            if other is not fleet
            for idle in other.idle
            if fleet.waiters or len(other.environments) > other.provisioned
        ]
        if not candidates:
            return False
        *_, other, idle = min(candidates, key=lambda candidate: candidate[:2])
        self._retire(other, idle)
        return True

    async def _start(self, fleet: Fleet) -> None:
        try:
            async with self._turn():
                # While this one queued, a warm environment may have served who it was for.
                if fleet.waiters or len(fleet.environments) < fleet.provisioned:
                    provisioned = len(fleet.environments) < fleet.provisioned
                    environment = await self._start_environment(fleet.configuration, provisioned)
                    self._started(fleet, environment)
        except Exception as error:  # whoever waits for it is told
            _log.warning("%s could not start: %s", fleet.configuration.name, error)
            fleet.provisioned = 0
            if fleet.waiters:
                fleet.waiters.popleft().set_exception(error)
        finally:
            fleet.starting -= 1
        self._start_lacking()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Hold one of the places for starts, but not long: an import that hangs needs no core."""
        await self._starts.acquire()
        # Closed at the end or when the time is over; closing it again does nothing.
        place = ExitStack()
        place.callback(self._starts.release)
        timer = asyncio.get_running_loop().call_later(self._limits.turn_seconds, place.close)
        place.callback(timer.cancel)
        with place:
            yield

    def _started(self, fleet: Fleet, environment: Environment) -> None:
        fleet.environments.add(environment)
        if environment.alive:
            self._offer(fleet, environment)
        elif fleet.waiters:
            # Its Init phase failed: the invocation repeats it, and answers with what is wrong.
            fleet.waiters.popleft().set_result(environment)
        else:
            # Nobody is there to be told; it is tried again when the provisioning is read again.
            fleet.provisioned = 0
            self._retire(fleet, environment)

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(_REAP_SECONDS)
            oldest = time.monotonic() - self._limits.idle_seconds
            for key, fleet in list(self._fleets.items()):
                for environment in list(fleet.idle):
                    spare = len(fleet.environments) > fleet.provisioned
                    unused = spare and environment.last_used < oldest
                    if unused or not environment.alive or self._outdated(environment):
                        self._retire(fleet, environment)
                if not (fleet.size or fleet.waiters or fleet.provisioned):
                    del self._fleets[key]
            self._start_lacking()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
