"""Runs jobs in the order they came, so many at once."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from .attempt import Attempt, Outcome
from .faults import Faults
from .job import ENDED, WAITING, Job
from .job_logs import copy_to_cloudwatch
from .retry_rules import is_retried
from .settings import Settings

LOG = logging.getLogger(__name__)


class Scheduler:
    def __init__(self, settings: Settings, faults: Faults):
        self._settings = settings
        self._faults = faults
        self._lock = threading.RLock()
        self._pool = ThreadPoolExecutor(settings.slots, "chronicle-batch")
        self._running: dict[str, Attempt] = {}
        self._jobs: dict[str, Job] = {}

    def submit(self, job: Job) -> None:
        with self._lock:
            self._jobs[job.id] = job
        if self._faults.take("unplaced", job.name, 1) is not None:
            job.end(False, _given_up(job))
            return
        self._wait_for_slot(job)

    def job(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def jobs(self) -> list[Job]:
        with self._lock:
            return list(self._jobs.values())

    def terminate(self, job: Job, reason: str) -> None:
        """As TerminateJob: a waiting job fails at once, a running one is told to stop."""
        with self._lock:
            if job.status in ENDED:
                return
            job.stop(reason)
            if job.status in WAITING:
                job.end(False, reason)

    def cancel(self, job: Job, reason: str) -> None:
        """As CancelJob: a job that has started goes on."""
        with self._lock:
            if job.status in WAITING:
                self.terminate(job, reason)

    def running(self) -> dict[str, Attempt]:
        with self._lock:
            return dict(self._running)

    def stop(self) -> None:
        """Ends all jobs and waits for their processes."""
        for job in self.jobs():
            self.terminate(job, "LocalStack is stopping")
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _wait_for_slot(self, job: Job) -> None:
        job.status = "RUNNABLE"
        fault = self._faults.take("delayMs", job.name, len(job.attempts) + 1)
        if fault is None:
            self._pool.submit(self._run, job)
        else:
            timer = threading.Timer(fault["delayMs"] / 1000, self._pool.submit, (self._run, job))
            timer.daemon = True
            timer.start()

    def _run(self, job: Job) -> None:
        with self._lock:
            if job.status in ENDED:
                return
            job.status = "STARTING"
            job.next_log_stream()
            attempt = Attempt(job, len(job.attempts) + 1, self._settings, self._faults)
            self._running[job.id] = attempt
        try:
            outcome = attempt.run()
        except Exception as error:  # a defect here must end the job, or its execution waits for ever
            LOG.exception("attempt of job %s", job.name)
            outcome = Outcome(None, f"chronicle_local_batch: {error!r}", is_final=True)
        with self._lock:
            del self._running[job.id]
            job.attempts.append(attempt.record(outcome))
            job.exit_code, job.reason = outcome.exit_code, outcome.reason or None
        copy_to_cloudwatch(job, attempt.log)
        self._follow(job, outcome)

    def _follow(self, job: Job, outcome: Outcome) -> None:
        """Ends the job, or has it wait for its next attempt."""
        with self._lock:
            if outcome.exit_code == 0 and not outcome.is_final:
                job.end(True, outcome.status_reason)
            elif job.stop_reason is not None:
                job.end(False, job.stop_reason)
            elif not outcome.is_final and is_retried(
                job.retry, len(job.attempts), outcome.exit_code, outcome.status_reason, outcome.reason
            ):
                self._wait_for_slot(job)
            else:
                job.end(False, outcome.status_reason)


def _given_up(job: Job) -> str:
    actions = job.queue.get("jobStateTimeLimitActions") or []
    limit = next((action for action in actions if action["state"] == "RUNNABLE"), None)
    return limit["reason"] if limit else "Canceled by JobStateTimeLimitAction"
