"""HTTP/1.1 as the gateway speaks it, between uvicorn's server (which listens and drains) and the ASGI application: made
for thousands of streams that are open at once, of which each holds little but what it has yet to say."""
