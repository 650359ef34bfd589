"""Gateways that can't be trusted, or do not speak what their URL says."""

import ssl
from datetime import UTC, datetime, timedelta

from reference_gateway.hostile.case import Case, Table

TABLE = Table()


def context(kind: str) -> tuple[ssl.SSLContext, bytes]:
    """A server's side of TLS with a certificate of this kind, and what a client has to trust."""
    import trustme

    authority = trustme.CA(organization_name="nobody that you know")
    ended = datetime.now(UTC) - timedelta(days=30)
    match kind:
        case "other-host":
            certificate = authority.issue_cert("gateway.example")
        case "expired":
            certificate = authority.issue_cert("127.0.0.1", not_before=ended - timedelta(days=30), not_after=ended)
        case _:
            certificate = authority.issue_cert("127.0.0.1")
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(found)
    return found, authority.cert_pem.bytes()


def row(name: str, does: str, certificate: str, scheme: str) -> None:
    TABLE.cases.append(Case(name, does, (6,), certificate=certificate, scheme=scheme))


row("unknown-authority", "has a certificate of an authority that nobody knows", "unknown", "https")
row("certificate-of-another", "has the certificate of another host, by a trusted authority", "other-host", "https")
row("expired", "has a certificate that has expired, by a trusted authority", "expired", "https")
row("no-tls", "speaks HTTP where its URL says https", "", "https")
row("only-tls", "speaks TLS where its URL says http", "unknown", "http")
