-- Who may use what, and when; the community's own roles and who has them.
-- compat: 1
create table {access} (
    community {text} not null,
    id {text} not null,
    effect {text} not null,
    target {text} not null,
    conditions {json} not null,
    ranks {integer} not null,
    primary key (community, id)
);

create table {role} (
    community {text} not null,
    name {text} not null,
    rank {text} not null,
    earn {text} not null,
    earn_min {real} not null,
    primary key (community, name)
);

create table {role_holder} (
    community {text} not null,
    role {text} not null,
    account {text} not null,
    earned {boolean} not null,
    primary key (community, role, account)
);

-- When accounts first did something, where a rule or a role asks for that.
create table {known} (
    community {text} not null,
    account {text} not null,
    since {real} not null,
    primary key (community, account)
);

-- What platforms told last of channels.
create table {live} (
    community {text} not null,
    entity {text} not null,
    live {boolean} not null,
    told_at {real} not null,
    primary key (community, entity)
);
