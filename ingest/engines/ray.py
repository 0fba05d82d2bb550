"""Runs stages on the nodes of a Ray cluster.

    this process ── pipe ── driver process ── Ray ── supervisor (an actor on some node) ── child process: the stage

Ray ends the process that talks to it after the cluster's head has been gone for a minute. So a separate process talks
to Ray, and the server outlives it. On a node, the stage runs in a child process of the actor. The actor watches it as
the local engine does: a document that hangs, crashes or takes too much memory gets the same error, and the actor lives
on. If an actor is lost, usually with its node, another actor replaces it and does its item again.
"""

from __future__ import annotations

import itertools
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar

from ingest.engines import Limits, MakeStage, Stage
from ingest.engines.driver import Answering, Driver
from ingest.engines.local import Child
from ingest.engines.pool import Lost, Pool
from ingest.errors import ConfigurationError, DocumentError, UnavailableError, YoujuError
from ingest.settings import IngestSettings

Item = TypeVar("Item")
Result = TypeVar("Result")

_CPUS = 0.1
"""The share of a CPU that a worker reserves. The settings say how many workers there are. A cluster that has lost nodes
must still have room for all of them. Otherwise one stage would wait for the other.
"""
_POLL_SECONDS = 0.2
_ROOM_SECONDS = 120.0
_FRESH_SECONDS = 1.0
_GRACE_SECONDS = 60.0

REFUSED: Final = ("RuntimeEnvSetupError", "AuthenticationError", "TaskUnschedulableError", "ActorUnschedulableError")
"""Errors of Ray that another try does not help against. Every other error means that a worker was lost."""


class RayEngine(Pool[Item, Result]):
    """A pool of actors for one stage, on any nodes with room. See `Pool`."""

    def __init__(
        self,
        stage: Stage[Item, Result],
        settings: IngestSettings,
        *,
        workers: int,
        stop: threading.Event | None = None,
    ) -> None:
        """Raises ConfigurationError `ray_missing`. The cluster is contacted when the first run begins."""
        if find_spec("ray") is None:
            raise ConfigurationError(
                "ray_missing", "YOUJU_ENGINE is ray, and Ray is not installed.", "Install it: pip install 'youju[ray]'."
            )
        self._address = settings.ray_address
        driver = _shared_driver(self._address)
        is_elsewhere = settings.ray_address is not None
        kind = _Kind(
            name=stage.name,
            make_stage=_make_checked,
            argument=(stage, _without_secrets(settings), stage.identity(settings)),
            limits=stage.limits(settings),
            gpus=settings.ray_gpus if stage.uses_gpu else 0.0,
        )
        carry = stage.carry if is_elsewhere and not settings.ray_shared_files else None
        super().__init__(
            [
                _RemoteWorker(driver, kind, lambda item: carry(item, settings) if carry else item)
                for _ in range(workers)
            ],
            stop=stop,
            division=stage.division,
        )

    def close(self) -> None:
        """See `Pool.close`. Closing the last engine leaves the cluster."""
        super().close()
        _release_driver(self._address)


@dataclass(frozen=True, slots=True)
class _Kind:
    """The properties that all workers of one engine share."""

    name: str
    make_stage: MakeStage
    argument: object
    limits: Limits
    gpus: float


class _RemoteWorker:
    """A worker on some node, as this process sees it."""

    _numbers = itertools.count()

    def __init__(self, driver: Driver, kind: _Kind, carry: Callable[[Any], Any]) -> None:
        self._driver = driver
        self._kind = kind
        self._carry = carry
        self._lane = next(self._numbers)

    def ready(self, is_over: Callable[[], bool]) -> bool:
        """See `Worker.ready`. Waits until a node has room for the worker."""
        answer = self._driver.ask(self._lane, "ready", self._kind, is_over)
        if isinstance(answer, YoujuError):
            raise answer
        return answer is not None

    def call(self, item: Any, is_over: Callable[[], bool]) -> Any:
        """See `Worker.call`."""
        try:
            carried = self._carry(item)
        except DocumentError as error:
            return error
        answer = self._driver.ask(self._lane, "call", carried, is_over)
        if answer is None:
            self.stop()
            return DocumentError("interrupted", "The run was interrupted.", "Run it again.")
        return answer[0] if isinstance(answer, tuple) else answer

    def stop(self) -> None:
        """See `Worker.stop`."""
        self._driver.tell(self._lane, "stop")


_drivers: dict[str | None, tuple[Driver, int]] = {}
"""The driver of each cluster in use, and the number of engines that use it."""
_drivers_lock = threading.Lock()


def _shared_driver(address: str | None) -> Driver:
    with _drivers_lock:
        driver, users = _drivers.get(address, (None, 0))
        driver = driver or Driver(_connect, address)
        _drivers[address] = driver, users + 1
        return driver


def _release_driver(address: str | None) -> None:
    with _drivers_lock:
        driver, users = _drivers.pop(address)
        if users > 1:
            _drivers[address] = driver, users - 1
            return
    driver.close()


# --- in the driver's process ---


def _connect(address: str | None) -> tuple[Answering, Callable[[], None]]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if address is None:
        # Anybody who reaches a Ray cluster can run programs on it. So this one listens on loopback, with a token that
        # nobody knows.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    # Output of Ray's native code is dropped. Its problems become errors of ours.
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    import ray

    quiet = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
    try:
        if address is None:
            ray.init(address="local", include_dashboard=False, **quiet)
        else:
            ray.init(address=address, **quiet)
    except Exception as error:  # Ray does not document its errors, and they depend on the kind of address
        reason = str(error).strip().split("\n")[0][:300] or type(error).__name__
        unreachable = UnavailableError(
            "ray_unreachable",
            f"The Ray cluster{f' at {address}' if address else ''} cannot be used: {reason}",
            "Check that it runs (ray status) with this version of Ray and Python, and YOUJU_RAY_ADDRESS.",
        )
        return (lambda lane, verb, payload: unreachable), lambda: None
    return _Cluster(), ray.shutdown


class _Cluster:
    """The workers of all engines on this cluster."""

    def __init__(self) -> None:
        self._lanes: dict[int, _Lane] = {}
        self._alive: dict[str, float] = {}  # when a worker of this kind last answered

    def __call__(self, lane: int, verb: str, payload: Any) -> Any:
        """See `Answering`. Returns a tuple with one result, True, `Lost`, or an error of ours."""
        if verb == "ready":
            self._alive.setdefault(payload.name, time.monotonic())
            worker = self._lanes.setdefault(lane, _Lane(payload, self._alive))
            return worker.ready()
        worker = self._lanes[lane]
        return worker.call(payload) if verb == "call" else worker.stop()


class _Lane:
    """One worker. It is an actor, and a new actor after that one is lost."""

    def __init__(self, kind: _Kind, alive: dict[str, float]) -> None:
        self._kind = kind
        self._alive = alive
        self._actor: Any = None
        self._seen = 0.0

    def ready(self) -> Any:
        """Returns True once the actor answers.

        Returns an error of ours if no actor of this kind has had room for long.
        """
        import ray

        while True:
            if self._actor is None:
                self._actor = self._placed()
                self._seen = 0.0
            if time.monotonic() - self._seen < _FRESH_SECONDS:
                return True
            answer = self._actor.is_there.remote()
            try:
                while not ray.wait([answer], timeout=_POLL_SECONDS)[0]:
                    if time.monotonic() - self._alive[self._kind.name] > _ROOM_SECONDS:
                        return _no_room(self._kind)
                ray.get(answer)
            except ray.exceptions.RayError as error:
                if (refusal := _refusal(error)) is not None:
                    return refusal
                self.stop()
                time.sleep(_POLL_SECONDS)
                if time.monotonic() - self._alive[self._kind.name] > _ROOM_SECONDS:
                    return _no_room(self._kind)
                continue
            self._is_alive()

    def call(self, item: Any) -> Any:
        """Returns a tuple with the result. Returns `Lost` if the actor was lost before or during the work."""
        import ray

        limits = self._kind.limits
        try:
            # The supervisor enforces the limits. This limit is for a node that does not answer at all.
            patience = limits.seconds + limits.start_seconds + _GRACE_SECONDS
            result = ray.get(self._actor.call.remote(item), timeout=patience)
        except ray.exceptions.RayError as error:
            self.stop()
            return _refusal(error) or Lost()
        except AttributeError:  # it was stopped meanwhile
            return Lost()
        self._is_alive()
        return (result,)

    def stop(self) -> None:
        """End the actor. The next `ready` makes another one."""
        import ray

        actor, self._actor = self._actor, None
        if actor is not None:
            with suppress(ray.exceptions.RayError):
                ray.kill(actor)

    def _placed(self) -> Any:
        import ray

        kind = self._kind
        return (
            ray.remote(_Supervisor)
            .options(
                num_cpus=_CPUS,
                num_gpus=kind.gpus,
                scheduling_strategy="SPREAD",
                max_restarts=0,
            )
            .remote(kind.make_stage, kind.argument, kind.limits)
        )

    def _is_alive(self) -> None:
        self._seen = self._alive[self._kind.name] = time.monotonic()


def _no_room(kind: _Kind) -> UnavailableError:
    return UnavailableError(
        "ray_no_room",
        f"For {_ROOM_SECONDS:g} seconds no node of the Ray cluster has run a worker to {kind.name} documents.",
        "See `ray status`: start more nodes, or lower YOUJU_PARSE_WORKERS, YOUJU_EMBED_WORKERS or YOUJU_RAY_GPUS.",
    )


def _refusal(error: Exception) -> YoujuError | None:
    """Returns our error for an error of Ray that another try does not help against.

    Returns None if a worker was lost.
    """
    import ray

    if type(error).__name__ in REFUSED or isinstance(error, ray.exceptions.RayTaskError) or _broke_at_start(error):
        lines = [line.strip() for line in str(error).splitlines() if line.strip(" ^~")]
        reason = lines[-1][:300] if lines else type(error).__name__
        return ConfigurationError(
            "ray_node_unfit",
            f"A node of the Ray cluster cannot run Youju: {reason}",
            "Install the same version of Youju on every node, in the Python that runs Ray there.",
        )
    return None


def _broke_at_start(error: Exception) -> bool:
    return bool(getattr(error, "actor_init_failed", False)) or "actor_init_failed" in str(getattr(error, "cause", ""))


# --- on a node ---


class _Supervisor:
    """The actor. It watches a child process, which runs the stage."""

    def __init__(self, make_stage: MakeStage, argument: object, limits: Limits) -> None:
        self._child = Child(make_stage, argument, limits)

    def is_there(self) -> bool:
        """Returns True. An answer shows that the actor is there."""
        return True

    def call(self, item: Any) -> Any:
        """Returns the stage's result for the item, or its error."""
        return self._child.call(item, lambda: False)


def _make_checked(argument: tuple[Stage[Any, Any], IngestSettings, str]) -> Callable[[Any], Any]:
    """Returns the stage. Raises ConfigurationError `ray_node_differs` if this node would give other results."""
    stage, settings, identity = argument
    if (here := stage.identity(settings)) != identity:
        raise ConfigurationError(
            "ray_node_differs",
            f"A node of the Ray cluster has {here}; this machine has {identity}.",
            "Install the same version of Youju and the same embedding model on every node.",
        )
    return stage.make(settings)


def _without_secrets(settings: IngestSettings) -> IngestSettings:
    """Returns the settings that a stage needs.

    Keys of the index, the database and the sources are not sent to nodes.
    """
    kept = {"database_url": None, "qdrant_url": None, "qdrant_api_key": None, "sources": ()}
    return IngestSettings.model_validate(settings.model_dump()).model_copy(update=kept)
