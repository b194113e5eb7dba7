-- Which of its signing secrets a webhook rule has; the secrets themselves are kept nowhere.
-- compat: 1
alter table {rules} add column secret_id {text} not null default '';
