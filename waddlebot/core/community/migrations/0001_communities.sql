-- Communities, and what is configured in them. An entity belongs to one community.
create table {communities} (
    community {text} not null primary key,
    created_at {real} not null
);

create table {entity} (
    community {text} not null,
    entity {text} not null,
    primary key (community, entity)
);
create unique index {index:entity_of_one_community} on {entity} (entity);

create table {member} (
    community {text} not null,
    account {text} not null,
    ranks {json} not null,
    primary key (community, account)
);

create table {setting} (
    community {text} not null,
    module {text} not null,
    name {text} not null,
    value {json} not null,
    primary key (community, module, name)
);

create table {switch} (
    community {text} not null,
    module {text} not null,
    enabled {boolean} not null,
    primary key (community, module)
);

create table {override} (
    community {text} not null,
    command {text} not null,
    name {text},
    enabled {boolean},
    least {integer},
    cooldown_s {real},
    user_cooldown_s {real},
    say_limited {boolean},
    primary key (community, command)
);

create table {claim} (
    community {text} not null,
    account {text} not null,
    digest {text} not null,
    expires_at {real} not null,
    tries_left {integer} not null,
    primary key (community, account)
);

-- The community of the operator's own entities, which the console user owns, and the one that everybody is for
-- ever a member of.
insert into {communities} (community, created_at) values ('home', 0);
insert into {communities} (community, created_at) values ('waddlebot-global', 0);
insert into {member} (community, account, ranks) values ('home', 'console:console', '["owner"]');
