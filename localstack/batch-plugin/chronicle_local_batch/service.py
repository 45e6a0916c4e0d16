"""The operations of AWS Batch that this project and its stack use."""

import functools
import re

from .errors import client_error, too_many_requests
from .faults import Faults
from .job import Job
from .job_listing import list_jobs
from .registry import Registry
from .scheduler import Scheduler
from .settings import Settings

_DESCRIBED_JOBS = 100


@functools.cache
def local_batch() -> "LocalBatch":
    return LocalBatch(Settings.of_environment())


class LocalBatch:
    def __init__(self, settings: Settings):
        self.faults = Faults()
        self.registry = Registry()
        self.scheduler = Scheduler(settings, self.faults)

    def operations(self, names: list[str]) -> dict:
        """A dispatch table; what is not in it LocalStack answers with 501."""
        found = {}
        for name in names:
            method = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
            handler = getattr(self, method, None) or getattr(self.registry, method, None)
            if handler is not None:
                found[name] = handler
        return found

    def submit_job(self, context, request):
        """As AWS: each call is another job, also under a name that was used."""
        if request.get("arrayProperties") or request.get("nodeOverrides"):
            raise client_error("array and multi-node jobs are not known here")
        if self.faults.take("throttle", request["jobName"], 1) is not None:
            raise too_many_requests()
        queue = self.registry.queue(request["jobQueue"])
        job = Job(context, request, queue, self.registry.definition(request["jobDefinition"]))
        self.scheduler.submit(job)
        return {"jobArn": job.arn, "jobId": job.id, "jobName": job.name}

    def describe_jobs(self, _context, request):
        if len(request["jobs"]) > _DESCRIBED_JOBS:
            raise client_error(f"jobs can hold at most {_DESCRIBED_JOBS} entries")
        found = (self.scheduler.job(reference.rsplit("/", 1)[-1]) for reference in request["jobs"])
        return {"jobs": [job.detail() for job in found if job is not None]}

    def list_jobs(self, _context, request):
        return list_jobs(self.scheduler.jobs(), request)

    def terminate_job(self, _context, request):
        if (job := self.scheduler.job(request["jobId"])) is not None:
            self.scheduler.terminate(job, request["reason"])
        return {}

    def cancel_job(self, _context, request):
        if (job := self.scheduler.job(request["jobId"])) is not None:
            self.scheduler.cancel(job, request["reason"])
        return {}
