"""Projects: manifests, specifications, code, and the service."""
