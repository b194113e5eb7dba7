"""HTTP: API keys, routes from manifests, OpenAPI, the server."""
