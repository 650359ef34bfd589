"""Hostile gateways: each does one thing that would make a careless client hang, crash, run out of memory, give its key
away, or blame the wrong party. They stand on the bundled gateway, whose own code does not know them."""

from reference_gateway.hostile import bodies, closing, flooding, protocol, redirects, tls, waiting
from reference_gateway.hostile.case import Case

CASES: dict[str, Case] = {
    case.name: case
    for module in (waiting, closing, flooding, protocol, bodies, redirects, tls)
    for case in module.TABLE.cases
}
