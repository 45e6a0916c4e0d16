"""One attempt of a job: its program, started, watched and ended."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from localstack import config

from .faults import Faults
from .job import CONTAINER_EXITED, Job, now_ms
from .settings import Settings

TIMED_OUT = "Job attempt duration exceeded timeout"
START_FAILED = "Task failed to start"
SPOT_INTERRUPTED = "Your Spot Task was interrupted."

_TICK_SECONDS = 0.02


@dataclass(frozen=True)
class Outcome:
    """exit_code is None where the program never ran; 128 + signal where a signal ended it."""

    exit_code: int | None
    status_reason: str
    reason: str = ""
    is_final: bool = False  # timed out or terminated: AWS Batch does not ask the retry rules then


class Attempt:
    def __init__(self, job: Job, number: int, settings: Settings, faults: Faults):
        self._job = job
        self._number = number
        self._settings = settings
        self._faults = faults
        self._started_ms: int | None = None
        self._processes: list[subprocess.Popen] = []
        self.log = settings.state / "logs" / f"{job.name}.{number}.{job.id[:8]}.log"

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes if process.poll() is None]

    def run(self) -> Outcome:
        instead = self._fault("instead")
        if instead is not None:
            self._started()
            return Outcome(instead["exitCode"], CONTAINER_EXITED)
        program = self._settings.program(self._job.image)
        if program is None:
            return Outcome(None, START_FAILED, f"CannotPullContainerError: no program for image {self._job.image!r}")
        try:
            self._start(program)
            if self._fault("duplicate") is not None:
                self._start(program)
        except OSError as error:
            return Outcome(None, START_FAILED, f"CannotStartContainerError: {error}")
        self._started()
        outcome = self._watch()
        self._clean()
        said = self._fault("exitCode")
        return outcome if said is None else Outcome(said["exitCode"], CONTAINER_EXITED)

    def record(self, outcome: Outcome) -> dict:
        """As DescribeJobs has it."""
        container = {"exitCode": outcome.exit_code, "reason": outcome.reason or None, "logStreamName": self._job.log_stream}
        return {
            "container": {key: value for key, value in container.items() if value is not None},
            "startedAt": self._started_ms or now_ms(),
            "stoppedAt": now_ms(),
            "statusReason": outcome.status_reason,
        }

    def _start(self, program: list[str]) -> None:
        """A group of its own, so that what the program starts ends with it; still in the session of LocalStack."""
        scratch = self._scratch(len(self._processes))
        scratch.mkdir(parents=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as output:
            process = subprocess.Popen(
                program + self._job.command,
                env=self._environment(scratch),
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        self._processes.append(process)

    def _environment(self, scratch: Path) -> dict[str, str]:
        """A container's: nothing of this process is handed down."""
        elsewhere = self._fault("endpoint")
        return {
            "AWS_ENDPOINT_URL": elsewhere["endpoint"] if elsewhere else f"http://127.0.0.1:{config.GATEWAY_LISTEN[0].port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self._job.region,
            "AWS_DEFAULT_REGION": self._job.region,
            **self._job.environment,
            **self._job.batch_environment(self._number),
            # A container has a disk of its own; what a job definition says of it is a path inside the container.
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
        }

    def _started(self) -> None:
        self._started_ms = now_ms()
        self._job.started_ms = self._started_ms
        self._job.status = "RUNNING"

    def _watch(self) -> Outcome:
        """Waits for the program and its copy, and ends them at the timeout, on TerminateJob, or as a fault wants it."""
        limit = (self._fault("timeout") or {}).get("timeout") or self._job.timeout_seconds
        deadline = time.monotonic() + limit if limit else None
        fault = self._fault("kill")
        fault_from = time.monotonic() + (fault or {}).get("afterMs", 0) / 1000
        interrupted = False
        ended_by: str | None = None
        kill_at = 0.0
        while any(process.poll() is None for process in self._processes):
            now = time.monotonic()
            if ended_by is not None:
                if now >= kill_at:
                    self._signal(signal.SIGKILL)
            elif self._job.stopping.is_set() or (deadline is not None and now >= deadline):
                ended_by = self._job.stop_reason or TIMED_OUT
                kill_at = now + self._settings.grace
                self._signal(signal.SIGTERM)
            elif fault is not None and now >= fault_from and self._has_written(fault.get("afterOutput")):
                self._signal(signal.Signals[fault["kill"]])
                interrupted = fault.get("spot", False)
                fault = None
            time.sleep(_TICK_SECONDS)
        code = self._processes[0].returncode
        exit_code = 128 - code if code < 0 else code
        if ended_by is not None:
            return Outcome(exit_code, ended_by, is_final=True)
        return Outcome(exit_code, SPOT_INTERRUPTED if interrupted else CONTAINER_EXITED)

    def _has_written(self, text: str | None) -> bool:
        return text is None or text in self.log.read_text(errors="replace")

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes:
            if process.poll() is None:
                os.killpg(process.pid, number)

    def _clean(self) -> None:
        for index, process in enumerate(self._processes):
            try:
                os.killpg(process.pid, signal.SIGKILL)  # what the program left behind
            except ProcessLookupError:
                pass
            shutil.rmtree(self._scratch(index), ignore_errors=True)

    def _scratch(self, index: int) -> Path:
        return self._settings.state / "scratch" / f"{self._job.id}-{self._number}-{index}"

    def _fault(self, kind: str) -> dict | None:
        return self._faults.take(kind, self._job.name, self._number)
