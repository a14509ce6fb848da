"""The service: HTTP API, log-in, live events and the page."""
