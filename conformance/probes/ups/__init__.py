"""What is sent where a scripted provider stands behind the gateway: requests that are to reach it, and its answers."""
