-- Who brought an entity in: empty for a receiver of ours, key:NAME for an API key, which may say who is speaking.
-- compat: 1
alter table {entity} add column brought_by {text} not null default '';

-- Until now there were receivers for these three platforms, so all others came by keys.
update {entity} set brought_by = 'key:'
where substr(entity, 1, 4) <> 'irc:' and substr(entity, 1, 7) <> 'twitch:' and substr(entity, 1, 8) <> 'console:';
