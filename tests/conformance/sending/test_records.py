"""What is written of an exchange is read again as it was."""

import json

from conformance.exchange import Exchange, Failure, Request, Response
from conformance.sending import records


def test_a_record_is_the_same_after_writing_and_reading() -> None:
    reads = ((0.1, b"\xff\x00"), (0.2, "€".encode()))
    exchange = Exchange(
        "x9",
        "chat[case]",
        Request("POST", "http://h/v1", (("A", "1"), ("A", "2")), b"\xfe"),
        Response(200, (("B", "3"),), reads, "HTTP/1.0", 0.05),
        Failure("timeout", "nothing was received for 30 s"),
        1.5,
        2.5,
    )
    assert records.exchange_of(json.loads(json.dumps(records.of_exchange(exchange)))) == exchange
