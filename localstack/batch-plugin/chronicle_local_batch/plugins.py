"""What LocalStack loads: one name per entry point (../chronicle_local_batch-1.0.0.dist-info/entry_points.txt)."""

import os
import signal
import threading
import time

from localstack.runtime import hooks
from localstack.runtime.server.core import RuntimeServerPlugin
from localstack.services.plugins import Service, aws_provider


@aws_provider(api="batch")
def batch() -> Service:
    from localstack.aws.skeleton import Skeleton
    from localstack.aws.spec import load_service

    from .service import local_batch

    model = load_service("batch")
    return Service("batch", skeleton=Skeleton(model, local_batch().operations(model.operation_names)))


class ListeningServerPlugin(RuntimeServerPlugin):
    name = "chronicle"

    def load(self, *_args, **_kwargs):
        from .listening_server import ListeningServer

        return ListeningServer()


@hooks.on_infra_start()
def add_control_routes() -> None:
    from .control_routes import add_to_gateway
    from .service import local_batch

    add_to_gateway(local_batch())


@hooks.on_infra_start()
def parse_paths_once() -> None:
    from .parsed_paths import parse_once

    parse_once()


@hooks.on_infra_start()
def end_with_starter() -> None:
    """Tests that are killed must leave no LocalStack behind: it ends when the process of CHRONICLE_PARENT has."""
    parent = int(os.environ.get("CHRONICLE_PARENT") or 0)
    if parent:
        threading.Thread(target=_end_after, args=(parent,), daemon=True, name="chronicle-parent").start()


def _end_after(parent: int) -> None:
    try:
        while True:
            os.kill(parent, 0)
            time.sleep(1)
    except ProcessLookupError:
        os.kill(os.getpid(), signal.SIGTERM)


@hooks.on_infra_shutdown()
def stop_jobs() -> None:
    from .service import local_batch

    local_batch().scheduler.stop()
