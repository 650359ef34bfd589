"""How recorded exchanges become verdicts: inside a pytest run, or without one."""
