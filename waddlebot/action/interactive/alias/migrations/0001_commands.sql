-- Custom commands, aliases, and counters.
create table {custom} (
    community {text} not null,
    name {text} not null,
    text {text} not null,
    dialect {text} not null,
    bare {boolean} not null,
    enabled {boolean} not null,
    hidden {boolean} not null,
    least {integer} not null,
    cooldown_s {real} not null,
    user_cooldown_s {real} not null,
    cost {integer} not null,
    reply {text} not null,
    may_command {boolean} not null,
    tell_identity {boolean} not null,
    primary key (community, name)
);

create table {alias} (
    community {text} not null,
    name {text} not null,
    line {text} not null,
    target {text} not null,
    ranks {integer} not null,
    primary key (community, name)
);

create table {counter} (
    community {text} not null,
    name {text} not null,
    value {integer} not null,
    primary key (community, name)
){keyed};
