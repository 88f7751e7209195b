"""The embedded identity provider: paths and tokens of a Keycloak realm, for trials. Not for production."""
