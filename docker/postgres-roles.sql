-- Run by the container of PostgreSQL when it makes the database: the role of the services, which change no table.
\set password `cat /run/secrets/postgres-app-password`
CREATE ROLE mainspring_app LOGIN PASSWORD :'password';
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO mainspring_app;
