"""Names and ARNs of Batch's resources."""

import re

_ARN = re.compile(r"^arn:[^:]+:batch:[^:]*:[^:]*:[a-z-]+/(.+)$")


def arn_of(context, kind: str, name: str) -> str:
    return f"arn:aws:batch:{context.region}:{context.account_id}:{kind}/{name}"


def name_of(reference: str) -> str:
    """The name in an ARN, or the reference itself when it is a name already."""
    found = _ARN.match(reference or "")
    return found.group(1) if found else reference or ""
