-- Filters, blocked phrases, permits for links, what filters found how often, kept chat in packed batches, and nukes.
create table {filter} (
    community {text} not null,
    kind {text} not null,
    mode {text} not null,
    most {integer} not null,
    least {integer} not null,
    share {integer} not null,
    window_s {real} not null,
    exempt {text} not null,
    exempt_labels {json} not null,
    entities {json} not null,
    action {text} not null,
    seconds {integer} not null,
    message {text} not null,
    silent {boolean} not null,
    allowed {json} not null,
    primary key (community, kind)
);

create table {phrase} (
    community {text} not null,
    text {text} not null,
    kind {text} not null,
    primary key (community, text)
);

create table {permit} (
    community {text} not null,
    account {text} not null,
    login {text} not null,
    until {real} not null,
    primary key (community, account)
);

create table {hits} (
    community {text} not null,
    kind {text} not null,
    canary {boolean} not null,
    hits {integer} not null,
    primary key (community, kind, canary)
);

create table {chat} (
    community {text} not null,
    batch {text} not null,
    bucket {integer} not null,
    at {real} not null,
    lines {integer} not null,
    packed {bytes} not null,
    primary key (community, batch)
);
create index {index:chat_by_age} on {chat} (community, at);

create table {nuke} (
    community {text} not null,
    id {text} not null,
    at {real} not null,
    deed {text} not null,
    undone {boolean} not null,
    targets {bytes} not null,
    primary key (community, id)
);
