"""A certificate for this run, made on the fly: clients trust it by its authority's file, or not at all."""

import ipaddress
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trustme


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate and the authority that signed it, both new."""

    _server: "trustme.LeafCert"
    _authority: "trustme.CA"

    @property
    def authority_pem(self) -> bytes:
        """What a client has to trust."""
        return self._authority.cert_pem.bytes()

    def file(self) -> AbstractContextManager[str]:
        """A file with the key and the certificate, which is gone afterwards."""
        return self._server.private_key_and_cert_chain_pem.tempfile()


def self_signed(*hosts: str) -> Certificate:
    """A certificate for this machine's loopback addresses and these hosts."""
    import trustme  # its cryptography takes long to import, and few need it

    authority = trustme.CA(organization_name="gateproof")
    names = dict.fromkeys(("localhost", "127.0.0.1", "::1", *(host for host in hosts if _can_be_named(host))))
    return Certificate(authority.issue_cert(*names, organization_name="gateproof"), authority)


def _can_be_named(host: str) -> bool:
    """An address that stands for all of them is nobody's name."""
    try:
        return not ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return host.isascii() and bool(host)
