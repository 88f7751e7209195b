"""The part of Keycloak's admin REST API with which people and clients are kept, on the embedded provider."""

from infra.local.identity.admin.routing import routes

__all__ = ["routes"]
