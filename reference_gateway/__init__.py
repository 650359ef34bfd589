"""The bundled minimal gateway: three dialects over one registry and two backends."""
