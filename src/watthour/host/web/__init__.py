"""The meter in a browser: a page, a stream of what it shows, an interface for programs, figures for Prometheus."""
