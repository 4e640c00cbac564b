"""What a run takes: wall seconds of each stage and, where the machine tells it, the processors' energy."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from clinimcl.storage.files import write_json

POWERCAP = Path("/sys/class/powercap")
SECONDS_BETWEEN = 30.0  # readings: a counter of 262 kJ begins again after nine minutes at 500 W
COSTS = "costs.json"


class Zone(NamedTuple):
    """A counter of the energy of one processor package, in microjoules, that begins again at `most`."""

    counter: Path
    most: int

    def read(self) -> int:
        return int(self.counter.read_text())


def zones(folder: Path = POWERCAP) -> list[Zone]:
    """The packages whose counters this user may read; most kernels show them to root alone.

    Source: Linux kernel documentation, power capping framework (intel-rapl zones; AMD's have the same names).
    """
    found = []
    for path in sorted(folder.glob("intel-rapl:[0-9]*")):
        with suppress(OSError, ValueError):
            if path.name.count(":") == 1 and (path / "name").read_text().startswith("package"):
                zone = Zone(path / "energy_uj", int((path / "max_energy_range_uj").read_text()))
                zone.read()
                found.append(zone)
    return found


class EnergyMeter:
    """Adds up what the counters rise by, and reads them often enough to see each time that one begins again."""

    def __init__(self, zones: list[Zone]) -> None:
        self._zones = zones
        self._before = [zone.read() for zone in zones]
        self._microjoules = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        if self._zones:
            self._thread.start()

    def stop(self) -> float | None:
        """Joules since the start; None where the machine does not tell."""
        self._ended.set()
        if not self._zones:
            return None
        self._thread.join()
        self.read()
        return self._microjoules / 1e6

    def read(self) -> None:
        now = [zone.read() for zone in self._zones]
        for zone, before, after in zip(self._zones, self._before, now, strict=True):
            self._microjoules += (after - before) % (zone.most + 1)
        self._before = now

    def _watch(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN):
            self.read()


class Costs:
    """Of the stages of a command, in their order."""

    def __init__(self) -> None:
        self.stages: dict[str, dict[str, float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        meter = EnergyMeter(zones())
        meter.start()
        began = time.perf_counter()
        try:
            yield
        finally:
            joules = meter.stop()
        taken = {"seconds": time.perf_counter() - began}
        self.stages[name] = taken if joules is None else taken | {"joules": joules}

    def write(self, folder: Path) -> None:
        write_json(self.stages, folder / COSTS)
