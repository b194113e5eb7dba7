-- What was accepted, what became of it, what is on its way out, and what could not be processed.
create table {seen} (
    source {text} not null,
    id {text} not null,
    at {real} not null,
    primary key (source, id)
);
create index {index:seen_by_age} on {seen} (at);

create table {inbox} (
    id {text} not null primary key,
    source {text} not null,
    events {bytes} not null,
    number {integer} not null,
    tries {integer} not null,
    at {real} not null
);

create table {result} (
    source {text} not null,
    id {text} not null,
    body {bytes} not null,
    at {real} not null,
    primary key (source, id)
);
create index {index:result_by_age} on {result} (at);

create table {outbox} (
    id {text} not null primary key,
    platform {text} not null,
    state {text} not null,
    sends {bytes} not null,
    at {real} not null
);
create index {index:outbox_by_state} on {outbox} (state, at);

create table {dead} (
    id {id},
    community {text} not null,
    source {text} not null,
    event_id {text} not null,
    event {bytes} not null,
    reason {text} not null,
    tries {integer} not null,
    at {real} not null
);
