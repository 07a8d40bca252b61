"""The workers: local processes or those of a cluster, started, fed and watched by Ray Data."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

import scripts
from scripts.errors import EXIT_FATAL, BundleError

logger = logging.getLogger("rad_vlsm")

_SECONDS_BETWEEN_PROGRESS = 10.0
_MOST_BLOCKS = 4000
_TRIES = 3
# Names of shards and the network pass through it, images do not.
_OBJECT_STORE = 2**29


@dataclass(frozen=True)
class Cluster:
    """How many workers there are, and where.

    Attributes:
        workers: processes; 0 takes one for each processor core, or GPU where they get one.
        address: of a running Ray cluster, ``host:port`` or ``auto``; "" starts Ray on this machine.
        threads: of each worker.
        gpus: of each worker.
    """

    workers: int = 0
    address: str = ""
    threads: int = 1
    gpus: float = 0.0

    def __enter__(self) -> Cluster:
        """Start Ray, or join the cluster.

        Raises:
            BundleError: Ray is not installed, does not start, or the cluster does not answer.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anyone
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # the last line on stderr is the run's sentence
        try:
            import ray.data
        except ImportError:
            raise BundleError("Ray is not installed: pip install -r requirements-archive.txt") from None
        if self.address:
            _check_answers(self.address)
        for left in reversed(range(_TRIES)):
            try:
                ray.init(**self._options())
                break
            except Exception as error:  # noqa: BLE001  Ray has no one kind for it
                ray.shutdown()
                if not left or self.address:
                    raise BundleError(self._unreachable(type(error).__name__), EXIT_FATAL) from None
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        for name in ("ray", "ray.data"):
            logging.getLogger(name).setLevel(logging.ERROR)
        return self

    def __exit__(self, *_: object) -> None:
        import ray

        ray.shutdown()

    def run(self, worker: type, arguments: Sequence[Any], keys: Sequence[str], what: str, done: int, of: int) -> None:
        """Give every key to a worker, once; a worker that dies is replaced, and what it had begun given anew.

        Args:
            worker: its instances take ``{"key": keys}`` and give as many ``entries`` (counts) and ``trouble`` ("" or a
                sentence).
            arguments: of its constructor.
            keys: of the shards.
            what: is counted, in the plural.
            done: of them before.
            of: them in all.

        Raises:
            BundleError: what a worker cannot get over, or Ray.
        """
        import ray.data

        if not keys:
            return
        blocks = min(len(keys), _MOST_BLOCKS)
        shards = ray.data.from_items([{"key": key} for key in keys], override_num_blocks=blocks)
        results = shards.map_batches(
            worker, fn_constructor_args=tuple(arguments), batch_size=1, num_cpus=1, num_gpus=self.gpus or None,
            compute=ray.data.ActorPoolStrategy(size=min(self.count(), len(keys))),
        )  # fmt: skip
        started, before = time.monotonic(), done
        told = started
        bar = tqdm(total=of, initial=done, desc=what.capitalize(), leave=False, disable=None, file=sys.stderr)
        with bar:
            for row in self._iterate(results):
                if row["trouble"]:
                    raise BundleError(row["trouble"], EXIT_FATAL)
                done += int(row["entries"])
                bar.update(int(row["entries"]))
                if bar.disable and time.monotonic() - told > _SECONDS_BETWEEN_PROGRESS:
                    told = time.monotonic()
                    rate = (done - before) / (told - started)
                    logger.info("%d of %d %s, %.1f a second, %s left.", done, of, what, rate, _left((of - done) / rate))

    def count(self) -> int:
        """How many workers there are."""
        import ray

        if self.workers:
            return self.workers
        resources = ray.cluster_resources()
        if self.gpus:
            return max(1, int(resources.get("GPU", 1) / self.gpus))
        return max(1, int(resources.get("CPU", 2)) - (0 if self.address else 1))

    def _iterate(self, results: Any) -> Any:
        try:
            yield from results.iter_rows()
        except BundleError:
            raise
        except Exception as error:  # noqa: BLE001  what workers meet comes as their answer; this is Ray's own
            raise BundleError(
                f"Ray could not go on ({type(error).__name__}). Finished shards stay valid: run the same command "
                "again, and it goes on from there.",
                EXIT_FATAL,
            ) from error

    def _options(self) -> dict[str, Any]:
        package = Path(scripts.__file__).parent
        threads = {"OMP_NUM_THREADS": str(self.threads)}
        quiet = {"log_to_driver": False, "logging_level": "ERROR"}
        if self.address:
            environment = {"py_modules": [str(package)], "env_vars": threads}
            return {"address": self.address, "runtime_env": environment, **quiet}
        path = os.pathsep.join(filter(None, (str(package.parent), os.environ.get("PYTHONPATH"))))
        cores = self.workers or os.cpu_count() or 1
        gpus = {"num_gpus": None if self.gpus else 0}
        # One core more than workers, for what Ray does between them.
        environment = {"runtime_env": {"env_vars": {"PYTHONPATH": path, **threads}}}
        sizes = {"num_cpus": cores + 1, "object_store_memory": _OBJECT_STORE}
        return {"include_dashboard": False, **sizes, **environment, **gpus, **quiet}

    def _unreachable(self, kind: str) -> str:
        if self.address:
            return f'The Ray cluster at "{self.address}" could not be joined ({kind}). Check its address and version.'
        return f"Ray does not start on this machine ({kind}): it may be too busy. Run the same command again."


def _check_answers(address: str) -> None:
    """Ray waits for minutes; a port that nobody listens at shows at once."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto" or not port.isdigit():
        if address != "auto":
            raise BundleError(f'--ray_address "{address}" is no address: give host:port, or auto.')
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError:
        sentence = f'No Ray cluster answers at "{address}". Start one with "ray start --head", or check the address.'
        raise BundleError(sentence) from None


def _left(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
