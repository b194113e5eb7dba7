-- compat: 1
-- A key that another one took the place of, under the same name; until it ends both open.
alter table {api_key} add column replaced_at {real};
drop index {api_key_by_name};
create unique index {index:api_key_by_name} on {api_key} (community, entity, name)
    where revoked_at is null and replaced_at is null;
