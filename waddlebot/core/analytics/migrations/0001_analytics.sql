-- What each account did on a day, for 30 days. The index serves whoever wants to be forgotten.
create table {activity} (
    community {text} not null,
    day {integer} not null,
    account {text} not null,
    lines {integer} not null,
    commands {integer} not null,
    others {integer} not null,
    primary key (community, day, account)
) {keyed};
create index {index:activity_by_account} on {activity} (account);

-- What was done in each hour, for 30 days; it also says which days there are of the table above.
create table {hourly} (
    community {text} not null,
    hour {integer} not null,
    lines {integer} not null,
    commands {integer} not null,
    others {integer} not null,
    primary key (community, hour)
) {keyed};
create index {index:hourly_by_age} on {hourly} (hour);

-- What was done in each place on a day, by whomever.
create table {place} (
    community {text} not null,
    day {integer} not null,
    entity {text} not null,
    lines {integer} not null,
    commands {integer} not null,
    others {integer} not null,
    primary key (community, day, entity)
) {keyed};
create index {index:place_by_age} on {place} (day);

-- What became of each command in each place on a day.
create table {command_use} (
    community {text} not null,
    day {integer} not null,
    entity {text} not null,
    command {text} not null,
    answered {integer} not null,
    refused {integer} not null,
    failed {integer} not null,
    primary key (community, day, entity, command)
) {keyed};
create index {index:command_use_by_age} on {command_use} (day);

-- How many people wrote on a day whose accounts are not known any more.
create table {headcount} (
    community {text} not null,
    day {integer} not null,
    people {integer} not null,
    primary key (community, day)
) {keyed};
create index {index:headcount_by_age} on {headcount} (day);

-- What is left of the days of an account: its first and last one, and how many lines there were.
create table {member} (
    community {text} not null,
    account {text} not null,
    first_day {integer} not null,
    last_day {integer} not null,
    lines {integer} not null,
    primary key (community, account)
) {keyed};
create index {index:member_by_account} on {member} (account);
create index {index:member_by_age} on {member} (last_day);
create index {index:member_by_start} on {member} (first_day);

-- The weeks and months in which an account wrote.
create table {presence} (
    community {text} not null,
    span {text} not null,
    start_day {integer} not null,
    account {text} not null,
    primary key (community, span, start_day, account)
) {keyed};
create index {index:presence_by_account} on {presence} (account);
create index {index:presence_by_age} on {presence} (start_day);

-- Who wants no rows: it holds in every community.
create table {optout} (
    account {text} not null primary key,
    at {real} not null
);

-- Whoever adds a batch holds one of these, whoever removes holds all: so nothing comes back that is being removed.
create table {gate} (
    number {integer} not null primary key,
    passed {integer} not null
);
insert into {gate} (number, passed) values (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0);
