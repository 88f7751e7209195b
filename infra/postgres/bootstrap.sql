-- Roles and databases of the three services. Idempotent; run by psql as superuser.
-- Passwords come from the environment: REGISTRY_OWNER_PASSWORD, REGISTRY_APP_PASSWORD, PERMITS_..., SHARING_...
\set ON_ERROR_STOP on
\getenv registry_owner_password REGISTRY_OWNER_PASSWORD
\getenv registry_app_password REGISTRY_APP_PASSWORD
\getenv permits_owner_password PERMITS_OWNER_PASSWORD
\getenv permits_app_password PERMITS_APP_PASSWORD
\getenv sharing_owner_password SHARING_OWNER_PASSWORD
\getenv sharing_app_password SHARING_APP_PASSWORD
SET client_min_messages = warning;

SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', service || kind)
FROM unnest(ARRAY['registry', 'permits', 'sharing']) service, unnest(ARRAY['_owner', '_app']) kind
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service || kind) \gexec

ALTER ROLE registry_owner PASSWORD :'registry_owner_password';
ALTER ROLE registry_app PASSWORD :'registry_app_password';
ALTER ROLE permits_owner PASSWORD :'permits_owner_password';
ALTER ROLE permits_app PASSWORD :'permits_app_password';
ALTER ROLE sharing_owner PASSWORD :'sharing_owner_password';
ALTER ROLE sharing_app PASSWORD :'sharing_app_password';

SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0', service, service || '_owner')
FROM unnest(ARRAY['registry', 'permits', 'sharing']) service
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = service) \gexec

SELECT format('REVOKE ALL ON DATABASE %1$I FROM PUBLIC; GRANT CONNECT ON DATABASE %1$I TO %2$I, %3$I',
              service, service || '_owner', service || '_app')
FROM unnest(ARRAY['registry', 'permits', 'sharing']) service \gexec

-- What is everybody's by default is nobody's here: no service looks into the databases that come with the server.
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;

-- The application role reads and writes rows; the migrations take UPDATE and DELETE back on append-only tables.
\connect registry
GRANT USAGE ON SCHEMA public TO registry_app;
ALTER DEFAULT PRIVILEGES FOR ROLE registry_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO registry_app;
ALTER DEFAULT PRIVILEGES FOR ROLE registry_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO registry_app;

\connect permits
GRANT USAGE ON SCHEMA public TO permits_app;
ALTER DEFAULT PRIVILEGES FOR ROLE permits_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO permits_app;
ALTER DEFAULT PRIVILEGES FOR ROLE permits_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO permits_app;

\connect sharing
GRANT USAGE ON SCHEMA public TO sharing_app;
ALTER DEFAULT PRIVILEGES FOR ROLE sharing_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO sharing_app;
ALTER DEFAULT PRIVILEGES FOR ROLE sharing_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO sharing_app;
