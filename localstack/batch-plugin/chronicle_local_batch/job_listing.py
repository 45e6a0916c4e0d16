"""ListJobs: by status or by name, a page at a time."""

from .arns import name_of
from .errors import client_error
from .job import Job

_STATUS_PAGE = 1000
_FILTER_PAGE = 100


def list_jobs(jobs: list[Job], request: dict) -> dict:
    """As AWS: a filter makes `jobStatus` count for nothing, and without either, RUNNING jobs are listed. Newest first."""
    if not request.get("jobQueue"):
        raise client_error("jobQueue is the one selection that is known here: arrays and multi-node jobs are not")
    queue = name_of(request["jobQueue"])
    filters = request.get("filters") or []
    found = [job for job in jobs if job.queue["jobQueueName"] == queue and _passes(job, filters, request.get("jobStatus"))]
    found.sort(key=lambda job: job.created_ms, reverse=True)
    largest = _FILTER_PAGE if filters else _STATUS_PAGE
    start = int(request.get("nextToken") or 0)
    end = start + min(int(request.get("maxResults") or largest), largest)
    page = {"jobSummaryList": [job.summary() for job in found[start:end]]}
    return {**page, "nextToken": str(end)} if end < len(found) else page


def _passes(job: Job, filters: list[dict], status: str | None) -> bool:
    if not filters:
        return job.status == (status or "RUNNING")
    if len(filters) > 1:
        raise client_error("Only one filter can be used at a time")
    name, values = filters[0]["name"], filters[0]["values"]
    match name:
        case "JOB_NAME":
            return any(_is_named(job.name, value) for value in values)
        case "JOB_DEFINITION":
            return any(_is_named(name_of(job.definition["jobDefinitionArn"]), name_of(value)) for value in values)
        case "BEFORE_CREATED_AT":
            return job.created_ms < int(values[0])
        case "AFTER_CREATED_AT":
            return job.created_ms > int(values[0])
    raise client_error(f"Filter {name} is not known")


def _is_named(name: str, pattern: str) -> bool:
    name, pattern = name.lower(), pattern.lower()
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
