"""Puts one defect around a correct application: a test says what a request or an answer becomes, this makes it so."""

from reference_gateway.faults.asgi import (
    Act,
    Answer,
    Asked,
    Edit,
    Header,
    before,
    changed,
    each_event,
    each_write,
    error,
    headed,
    with_request_id,
)
from reference_gateway.faults.exchanges import answering

__all__ = [
    "Act",
    "Answer",
    "Asked",
    "Edit",
    "Header",
    "answering",
    "before",
    "changed",
    "each_event",
    "each_write",
    "error",
    "headed",
    "with_request_id",
]
