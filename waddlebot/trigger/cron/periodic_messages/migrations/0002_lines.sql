-- People's lines of the last minutes by channel, where a timer asks for them.
create table {lines} (
    community {text} not null,
    entity {text} not null,
    bucket {integer} not null,
    number {integer} not null,
    primary key (community, entity, bucket)
);
