-- API keys: only the SHA-256 of each is kept. Bound to a community, or to an entity (then community is empty).
create table {api_key} (
    id {text} not null primary key,
    digest {bytes} not null unique,
    name {text} not null,
    role {text} not null,
    community {text} not null,
    entity {text} not null,
    created_at {real} not null,
    created_by {text} not null,
    expires_at {real},
    revoked_at {real},
    last_used_at {real}
);
create unique index {index:api_key_by_name} on {api_key} (community, entity, name) where revoked_at is null;

-- Grows with every change of the keys, so that hosts notice within half a second.
create table {key_revision} (
    one {integer} not null primary key check (one = 1),
    number {integer} not null
);
insert into {key_revision} (one, number) values (1, 0);
