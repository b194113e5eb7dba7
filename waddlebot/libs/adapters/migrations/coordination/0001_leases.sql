-- Which hosts live, what the replicas of a module want to share, and who holds what.
create table {host} (
    id {text} not null primary key,
    name {text} not null,
    grpc {text} not null,
    http {text} not null,
    modules {json} not null,
    version {text} not null,
    started_at {real} not null,
    until {real} not null
);

create table {want} (
    host {text} not null,
    kind {text} not null,
    names {bytes} not null,
    most {integer},
    changed {integer} not null,
    primary key (host, kind)
);

create table {lease} (
    name {text} not null primary key,
    kind {text} not null,
    holder {text} not null,
    fence {integer} not null,
    changed {integer} not null
);
create index {index:lease_by_change} on {lease} (changed);
create index {index:lease_by_holder} on {lease} (holder);

-- One row: the number of the last change, and the lock that changes take turns by.
create table {turn} (
    what {text} not null primary key,
    number {integer} not null
);
