"""What sends the requests inside locust's processes: users, open arrivals' clients, and the run that both belong to."""
