"""The tables of the named defects, one module for each subject."""

from reference_gateway.faults.tables import (
    access,
    chats,
    chunks,
    connections,
    embeddings,
    errors,
    framing,
    headers,
    lists,
    naming,
    providers,
)

TABLES = (
    framing.FRAMING,
    chunks.CHUNKS,
    chunks.USAGE,
    chunks.TOOLS,
    chats.CHATS,
    chats.USAGE,
    chats.TOOLS,
    chats.FORMATS,
    embeddings.EMBEDDINGS,
    embeddings.COMPLETIONS,
    lists.LISTS,
    lists.EMPTY,
    errors.ERRORS,
    access.ACCESS,
    access.SECURITY,
    headers.HEADERS,
    connections.CONNECTIONS,
    connections.CONCURRENCY,
    providers.PROVIDERS,
    naming.NAMING,
    naming.ROUTING,
)
