-- Who changed which configuration, and the version each community's configuration has reached.
create table {change} (
    id {id},
    community {text} not null,
    module {text} not null,
    resource {text} not null,
    key {json} not null,
    before {json},
    after {json},
    actor {text} not null,
    reason {text} not null,
    at {real} not null,
    version {integer} not null,
    undoes {integer}
);
create index {index:change_by_community} on {change} (community, id);
create index {index:change_by_undone} on {change} (undoes) where undoes is not null;

create table {config_version} (
    community {text} not null primary key,
    version {integer} not null,
    seq {integer} not null
);
create index {index:config_version_by_seq} on {config_version} (seq);

create table {config_clock} (
    one {integer} not null primary key check (one = 1),
    seq {integer} not null
);
insert into {config_clock} (one, seq) values (1, 0);
