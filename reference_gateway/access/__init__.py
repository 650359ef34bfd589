"""Who may call: keys and what they permit, the tokens that are given for keys, and the layer that asks for either."""
