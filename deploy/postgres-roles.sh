#!/bin/sh
# Makes Holdfast's two roles and its database on a new PostgreSQL: the owner of the tables, and the application, which
# owns nothing. Run once, as a superuser: by the postgres image on its first start, or by hand (deploy/README.md).
set -eu
: "${HOLDFAST_OWNER_PASSWORD:?}" "${HOLDFAST_APP_PASSWORD:?}"
psql --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres \
  --set=owner_password="$HOLDFAST_OWNER_PASSWORD" --set=app_password="$HOLDFAST_APP_PASSWORD" <<'SQL'
create role holdfast_owner login nosuperuser nocreaterole password :'owner_password';
create role holdfast_app login nosuperuser nocreaterole nocreatedb password :'app_password';
create database holdfast owner holdfast_owner;
revoke all on database holdfast from public;
grant connect, temporary on database holdfast to holdfast_app;
\connect holdfast
alter schema public owner to holdfast_owner;
revoke create on schema public from public;
grant usage on schema public to holdfast_app;
SQL
