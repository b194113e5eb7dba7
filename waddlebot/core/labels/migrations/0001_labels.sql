-- Who and what has which label. Users are accounts; what they were called is for lists alone.
create table {label} (
    community {text} not null,
    kind {text} not null,
    thing {text} not null,
    label {text} not null,
    name {text} not null,
    primary key (community, kind, thing, label)
);
create index {index:label_by_word} on {label} (community, label, kind, thing);

-- Which role of a platform comes with a label, or goes with it.
create table {mapping} (
    community {text} not null,
    way {text} not null,
    platform {text} not null,
    role {text} not null,
    label {text} not null,
    primary key (community, way, platform, role, label)
);

-- Channels under one name.
create table {entity_group} (
    community {text} not null,
    name {text} not null,
    entities {json} not null,
    primary key (community, name)
);

-- Which roles platforms were asked to give because of labels, so that they are asked to take them back.
create table {given} (
    community {text} not null,
    account {text} not null,
    server {text} not null,
    role {text} not null,
    label {text} not null,
    primary key (community, account, server, role)
) {keyed};
