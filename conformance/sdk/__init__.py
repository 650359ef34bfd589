"""The official SDK as a client of the gateway: it runs in a process of its own and talks to a loopback recorder, so
that its traffic is recorded as exchanges like all other traffic."""
