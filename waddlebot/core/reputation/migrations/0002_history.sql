-- What changed each score, when and why: on one row for each day and kind what is small and frequent, by itself what
-- is a punishment. Day 0 is all that is older than the history goes back.
create table {daily} (
    community {text} not null,
    account {text} not null,
    day {integer} not null,
    kind {text} not null,
    number {real} not null,
    gained {real} not null,
    primary key (account, community, day, kind)
) {keyed};
create index {index:daily_by_day} on {daily} (day);

create table {entry} (
    community {text} not null,
    account {text} not null,
    id {text} not null,
    day {integer} not null,
    kind {text} not null,
    gained {real} not null,
    at {real} not null,
    login {text} not null,
    actor {text} not null,
    reason {text} not null,
    primary key (account, community, id)
);
create index {index:entry_by_day} on {entry} (day);

insert into {daily} (community, account, day, kind, number, gained)
select community, account, 0, 'earlier', 1, gained from {score} where gained <> 0;

create index {index:score_by_community} on {score} (community, account);
create index {index:score_low} on {score} (community, gained) where gained <= -20;

-- What moderators added to a score; it stays until it is taken back.
create table {adjustment} (
    community {text} not null,
    account {text} not null,
    id {text} not null,
    amount {real} not null,
    reason {text} not null,
    login {text} not null,
    actor {text} not null,
    at {real} not null,
    primary key (community, account, id)
);

-- Up to which week scores of a community have moved towards the start, and up to which account in the week that is
-- under way.
create table {decay} (
    community {text} not null,
    week {integer} not null,
    target {integer} not null,
    place {text} not null,
    primary key (community)
);

-- Who was punished and is to be looked at; who punished.
create table {accused} (
    community {text} not null,
    account {text} not null,
    login {text} not null,
    at {real} not null,
    primary key (community, account)
);
create table {staff} (
    community {text} not null,
    account {text} not null,
    at {real} not null,
    primary key (community, account)
);

-- What policies do, for as long as it holds; what platforms were told of it; when a policy last did what to whom.
create table {act} (
    community {text} not null,
    id {text} not null,
    kind {text} not null,
    account {text} not null,
    login {text} not null,
    accounts {json} not null,
    at {real} not null,
    until {real} not null,
    score {real} not null,
    threshold {real} not null,
    primary key (community, id)
);
create table {enforced} (
    community {text} not null,
    id {text} not null,
    kind {text} not null,
    accounts {json} not null,
    login {text} not null,
    primary key (community, id)
);
create table {acted} (
    community {text} not null,
    account {text} not null,
    kind {text} not null,
    at {real} not null,
    primary key (community, account, kind)
);

create table {appeal} (
    community {text} not null,
    id {text} not null,
    account {text} not null,
    login {text} not null,
    words {text} not null,
    at {real} not null,
    state {text} not null,
    decided_by {text} not null,
    decision {text} not null,
    primary key (community, id)
);
