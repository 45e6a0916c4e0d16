"""Whether an attempt that failed is followed by another, as AWS Batch decides it."""

import re


def is_retried(strategy: dict, attempts: int, exit_code: int | None, status_reason: str, reason: str) -> bool:
    """
    attempts: made so far. The first rule whose conditions all match decides; without a match the job is retried.
    Not asked for jobs that were terminated or timed out: AWS Batch retries neither.
    """
    if attempts >= int(strategy.get("attempts") or 1):
        return False
    facts = {
        "onExitCode": "" if exit_code is None else str(exit_code),
        "onStatusReason": status_reason,
        "onReason": reason,
    }
    for rule in strategy.get("evaluateOnExit") or []:
        if all(_matches(rule[key], fact) for key, fact in facts.items() if rule.get(key)):
            return rule["action"].upper() == "RETRY"
    return True


def _matches(pattern: str, text: str) -> bool:
    """A pattern may end with an asterisk; case does not count."""
    prefix = pattern.endswith("*")
    body = re.escape(pattern[:-1] if prefix else pattern)
    return re.fullmatch(body + (".*" if prefix else ""), text, re.IGNORECASE | re.DOTALL) is not None
