"""What the starter says through the environment."""

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """
    state       folder of job logs and scratch folders (CHRONICLE_BATCH_STATE)
    images      what to run for a container image: the first pattern found in its name (CHRONICLE_BATCH_IMAGES, a JSON
                object of regular expression → argument list that the job's command is added to)
    slots       how many jobs run at once (CHRONICLE_BATCH_SLOTS)
    grace       seconds between SIGTERM and SIGKILL (CHRONICLE_BATCH_GRACE; 30 is what ECS gives a container)
    """

    state: Path
    images: list[tuple[re.Pattern, list[str]]] = field(default_factory=list)
    slots: int = 2
    grace: float = 30.0

    @staticmethod
    def of_environment() -> "Settings":
        images = json.loads(os.environ.get("CHRONICLE_BATCH_IMAGES") or "{}")
        return Settings(
            state=Path(os.environ.get("CHRONICLE_BATCH_STATE") or "chronicle-batch").absolute(),
            images=[(re.compile(pattern), list(argv)) for pattern, argv in images.items()],
            slots=int(os.environ.get("CHRONICLE_BATCH_SLOTS") or os.cpu_count() or 2),
            grace=float(os.environ.get("CHRONICLE_BATCH_GRACE") or 30),
        )

    def program(self, image: str) -> list[str] | None:
        return next((argv for pattern, argv in self.images if pattern.search(image)), None)
