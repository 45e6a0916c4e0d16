"""What tests ask of the local Batch beyond AWS's own operations, below /_chronicle of the gateway.

POST   /_chronicle/faults   adds one (see faults.py); answers {"id"}
GET    /_chronicle/faults   all of them, with the attempts that each has met
DELETE /_chronicle/faults   forgets them
GET    /_chronicle/jobs     the running ones: {id: {name, attempt, pids, log}}
"""

import json

from localstack.http import Request, Response, route
from localstack.services.edge import ROUTER

from .service import LocalBatch


def add_to_gateway(batch: LocalBatch) -> None:
    ROUTER.add(ControlRoutes(batch))


class ControlRoutes:
    def __init__(self, batch: LocalBatch):
        self._batch = batch

    @route("/_chronicle/faults", methods=["POST"])
    def add_fault(self, request: Request) -> Response:
        try:
            return _json({"id": self._batch.faults.add(json.loads(request.get_data()))})
        except (ValueError, KeyError) as error:
            return _json({"message": str(error)}, 400)

    @route("/_chronicle/faults", methods=["GET"])
    def list_faults(self, _request: Request) -> Response:
        return _json(self._batch.faults.all())

    @route("/_chronicle/faults", methods=["DELETE"])
    def clear_faults(self, _request: Request) -> Response:
        self._batch.faults.clear()
        return _json({})

    @route("/_chronicle/jobs", methods=["GET"])
    def running_jobs(self, _request: Request) -> Response:
        scheduler = self._batch.scheduler
        running = {}
        for job_id, attempt in scheduler.running().items():
            job = scheduler.job(job_id)
            running[job_id] = {
                "name": job.name,
                "attempt": len(job.attempts) + 1,
                "pids": attempt.pids,
                "log": str(attempt.log),
            }
        return _json(running)


def _json(body: dict, status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, mimetype="application/json")
