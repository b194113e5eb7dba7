-- Every column type, every kind of key.
create table {aliases} (
    community {text} not null,
    name {text} not null,
    target {text} not null,
    level {integer} not null,
    enabled {boolean} not null,
    cooldown_s {real} not null,
    words {json} not null,
    note {text},
    primary key (community, name)
);
create table {points} (
    community {text} not null,
    account {text} not null,
    points {real} not null,
    name {text},
    primary key (community, account)
) {keyed};
create table {items} (
    id {id},
    community {text} not null,
    label {text} not null,
    data {bytes},
    info {json},
    big {integer},
    lent {boolean}
);
create index {index:items_by_label} on {items} (community, label);
create table {seen} (source {text} not null, key {text} not null, primary key (source, key));
