"""What is sent to the chat endpoint."""
