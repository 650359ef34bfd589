"""Named defects of the reference gateway: each breaks it in one way that a client suffers from, so that the suite can
be seen to find it. The correct gateway knows nothing of them."""

from reference_gateway.faults.fault import Fault
from reference_gateway.faults.tables import TABLES

__all__ = ["FAULTS", "NOT_BROKEN", "UNDETECTED", "Fault"]

FAULTS: dict[str, Fault] = {fault.name: fault for table in TABLES for fault in table.rows}
"""All of them, by name."""

UNDETECTED: dict[str, str] = {
    "header lines that end with a bare line feed": "RFC 9112 lets clients take it, and those that we know do",
    "a lock-out by wrong keys that lasts for one request": "any request may be the one that it hits",
    "a length and chunks in one plain answer": "clients read the chunks; in a stream the length is seen (STREAM-049)",
}
"""What is known not to be detected, and why: defects that no client can see from outside within a run."""

THROTTLING = (
    "throttling has to be claimed, and would be met by every other request; tests/ breaks it with nothing else asked"
)

NOT_BROKEN: dict[str, str] = {
    "ERR-029": THROTTLING,
    "NAME-001": "all that is judged rests on it: it is red when nothing else can be judged",
    "SDK-017": THROTTLING,
}
"""The MUSTs that none of these defects breaks, and why."""
