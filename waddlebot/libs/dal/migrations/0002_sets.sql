-- compat: 1
-- Changes are listed and taken back by sets: all that one unit of work changed, and so one version.
create index {index:change_by_set} on {change} (community, version);
