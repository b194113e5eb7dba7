-- compat: 1
-- What a key may ask for within its role, with spaces between; nothing for all of it.
alter table {api_key} add column scopes {text} not null default '';
