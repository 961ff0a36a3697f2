"""The job that trainings are part of: how much time is left, and whether it was told to stop."""

from __future__ import annotations

import contextlib
import signal
import time
from types import FrameType

# A job stops before its time is over, for saving takes time too.
USED = 0.95


class Job:
    """Time counts from when the job is made, over all trainings that it does."""

    def __init__(self, minutes: float | None = None) -> None:
        """minutes: the time the job has, or None."""
        self.minutes = minutes
        self.started = time.monotonic()
        self.told_to_stop = False

    def listen(self) -> None:
        """On SIGTERM, SIGUSR1, SIGHUP and Ctrl-C, save and stop (main thread only); what the caller ignores stays so.

        SIGUSR1 is what clusters are asked to send some time before they end a job (`sbatch --signal`).
        """
        with contextlib.suppress(ValueError):
            for each in ("SIGTERM", "SIGUSR1", "SIGHUP", "SIGINT"):
                if signal.getsignal(number := getattr(signal, each)) is not signal.SIG_IGN:
                    signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.told_to_stop:
            raise KeyboardInterrupt  # Ctrl-C again: whoever sits there does not want to wait for the next step
        self.told_to_stop = True

    def short_of_time(self) -> bool:
        """Whether another 5 % of the job's time might not be there any more."""
        return self.minutes is not None and time.monotonic() - self.started > USED * 60 * self.minutes
