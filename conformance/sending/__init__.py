"""How requests are sent and recorded, for real or in a rehearsal."""
