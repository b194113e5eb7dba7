"""What Redis does in one step, on its side (https://redis.io/docs/latest/develop/programmability/eval-intro/).

Each script takes streams as keys, and all its keys are of one slot where keys are scattered over a Cluster.
``OWNED`` scripts take two keys for each partition, its stream and the key of its owner's fence: a former owner
reads nothing more, even where it does not know yet that it is one.
"""

ADD = """
-- Add one entry to each stream that has room, and ring the bell.
-- ARGV: entries at most, channel of the bell, what it says, then one body for each key.
-- Returns for each key how many entries its stream has now, -1 where there was no room.
local lengths = {}
for i, key in ipairs(KEYS) do
  local length = redis.call('XLEN', key)
  lengths[i] = -1
  if length < tonumber(ARGV[1]) then
    redis.call('XADD', key, '*', 'b', ARGV[i + 3])
    lengths[i] = length + 1
  end
end
redis.call('PUBLISH', ARGV[2], ARGV[3])
return lengths
"""

READ = """
-- OWNED. Read what is new for several groups; an entry's body travels once.
-- ARGV: consumer, entries at most of one stream, bytes at most of all, then in MessagePack the groups, and for
-- each stream those that read it: number of the group, the owner's fence (-1 where all may read), again and again.
-- Returns number of the stream, of the group and what was found, again and again: a list of ids and bodies (nil
-- for one that came before), 1 where it was not looked for lack of room, or the words of an error.
local groups, streams = unpack(cmsgpack.unpack(ARGV[4]))
local out, size, room = {}, 0, tonumber(ARGV[3])
for k, readers in ipairs(streams) do
  local key, sent, fence = KEYS[2 * k - 1], {}, false
  local later = size >= room -- for all of its groups or none: those that go together get bodies together
  for r = 1, #readers, 2 do
    local g, what = readers[r], false
    if readers[r + 1] >= 0 then
      fence = fence or tonumber(redis.call('GET', KEYS[2 * k]) or '0')
    end
    if later then
      what = 1
    elseif readers[r + 1] < 0 or fence <= readers[r + 1] then
      local found = redis.pcall(
        'XREADGROUP', 'GROUP', groups[g], ARGV[1], 'COUNT', ARGV[2], 'STREAMS', key, '>')
      if found and found.err then
        what = found.err
      elseif found then
        what = {}
        for _, entry in ipairs(found[1][2]) do
          local id = entry[1]
          what[#what + 1] = id
          if sent[id] then
            what[#what + 1] = false
          else
            sent[id] = true
            size = size + #entry[2][2]
            what[#what + 1] = entry[2][2]
          end
        end
      end
    end
    if what then
      out[#out + 1] = k
      out[#out + 1] = g
      out[#out + 1] = what
    end
  end
end
return out
"""

TAKE = """
-- OWNED, one stream. Take what was read and not finished, in order.
-- ARGV: group, consumer, id to begin after ('-': at the first), entries at most, tries at most, the owner's
-- fence ('' where there is none), milliseconds for which nobody touched it, then whose: '*' everybody's,
-- '=' the consumer's own, '!' anybody's but of those that follow.
-- Returns the id to go on after ('' at the end), how many were tried too often, then ids and bodies.
local key, group, me, whose = KEYS[1], ARGV[1], ARGV[2], ARGV[8]
if ARGV[6] ~= '' then
  if tonumber(redis.call('GET', KEYS[2]) or '0') > tonumber(ARGV[6]) then
    return {'', 0}
  end
  redis.call('SET', KEYS[2], ARGV[6])
end
local spared = {}
for i = 9, #ARGV do
  spared[ARGV[i]] = true
end
local start = ARGV[3] == '-' and '-' or '(' .. ARGV[3]
local rows = redis.call('XPENDING', key, group, 'IDLE', ARGV[7], start, '+', ARGV[4])
local last, spent, out = '', 0, {'', 0}
for _, row in ipairs(rows) do
  local id, consumer, tries = row[1], row[2], row[4]
  last = id
  if whose == '*' or (whose == '=' and consumer == me) or (whose == '!' and not spared[consumer]) then
    local found
    if consumer == me then
      found = redis.call('XRANGE', key, id, id)
    elseif tries >= tonumber(ARGV[5]) then
      spent = spent + 1
    else
      found = redis.call('XCLAIM', key, group, me, ARGV[7], id)
    end
    if found and found[1] then
      out[#out + 1] = id
      out[#out + 1] = found[1][2][2]
    else
      redis.call('XACK', key, group, id)
    end
  end
end
if #rows == tonumber(ARGV[4]) then
  out[1] = last
end
out[2] = spent
return out
"""

IDLE = """
-- Which streams hold entries that were read and not finished. ARGV: milliseconds, then groups.
-- Returns numbers of keys and of groups, again and again.
local out = {}
for k, key in ipairs(KEYS) do
  for g = 2, #ARGV do
    local rows = redis.call('XPENDING', key, ARGV[g], 'IDLE', ARGV[1], '-', '+', 1)
    if #rows > 0 then
      out[#out + 1] = k
      out[#out + 1] = g - 1
    end
  end
end
return out
"""

FIND = """
-- Which bodies are among the last entries of a stream. ARGV: how many entries, then what is in each body.
-- Returns 1 or 0 for each.
local out = {}
for i = 2, #ARGV do
  out[i - 1] = 0
end
for _, entry in ipairs(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[1])) do
  for i = 2, #ARGV do
    if string.find(entry[2][2], ARGV[i], 1, true) then
      out[i - 1] = 1
    end
  end
end
return out
"""

NOTE = """
-- Add an entry to a bounded stream and ring the bell. ARGV: entries at most, channel, what it says, body.
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'b', ARGV[4])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
"""

ACK = """
-- Finish entries. ARGV: in MessagePack for each key the group and the ids, again and again; ids at once.
local some = tonumber(ARGV[2])
for k, of in ipairs(cmsgpack.unpack(ARGV[1])) do
  for i = 1, #of, 2 do
    local ids = of[i + 1]
    for first = 1, #ids, some do
      redis.call('XACK', KEYS[k], of[i], unpack(ids, first, math.min(first + some - 1, #ids)))
    end
  end
end
return 1
"""

ENSURE = """
-- Make the groups that are missing, from the first entry on. ARGV: groups. Returns how many were made.
local made = 0
for _, key in ipairs(KEYS) do
  for _, group in ipairs(ARGV) do
    local done = redis.pcall('XGROUP', 'CREATE', key, group, '0', 'MKSTREAM')
    if done.ok then
      made = made + 1
    elseif not string.find(done.err, 'BUSYGROUP', 1, true) then
      return redis.error_reply(done.err)
    end
  end
end
return made
"""

TRIM = """
-- Cut what every group has finished. ARGV: entries at most, milliseconds after which a group is gone, groups
-- that are known to be.
-- A group that is gone holds nothing back in a stream that is half full. Returns for each key: how many entries
-- are left, the group that finished least, those that are gone, each group's name and unfinished entries.
local function before(a, b)
  local ms_a, n_a = string.match(a, '(%d+)-(%d+)')
  local ms_b, n_b = string.match(b, '(%d+)-(%d+)')
  ms_a, ms_b = tonumber(ms_a), tonumber(ms_b)
  return ms_a < ms_b or (ms_a == ms_b and tonumber(n_a) < tonumber(n_b))
end
local function fields(flat)
  local found = {}
  for i = 1, #flat, 2 do
    found[flat[i]] = flat[i + 1]
  end
  return found
end
local known = {}
for i = 3, #ARGV do
  known[ARGV[i]] = true
end
local function is_gone(key, group)
  if known[group] then
    return true
  end
  for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', key, group)) do
    if fields(flat)['idle'] < tonumber(ARGV[2]) then
      return false
    end
  end
  return true
end
local out = {}
for i, key in ipairs(KEYS) do
  local length = redis.call('XLEN', key)
  local half = math.floor(tonumber(ARGV[1]) / 2)
  local least, slowest, gone, lags = nil, '', {}, {}
  for _, flat in ipairs(length > 0 and redis.call('XINFO', 'GROUPS', key) or {}) do
    local group = fields(flat)
    local needed = group['last-delivered-id']
    if group['pending'] > 0 then
      needed = redis.call('XPENDING', key, group['name'])[2]
    end
    if length > half and is_gone(key, group['name']) then
      gone[#gone + 1] = group['name']
    elseif least == nil or before(needed, least) then
      least, slowest = needed, group['name']
    end
    lags[#lags + 1] = group['name']
    lags[#lags + 1] = group['pending'] + (group['lag'] or 0)
  end
  if least then
    redis.call('XTRIM', key, 'MINID', least)
  elseif length > half then
    redis.call('XTRIM', key, 'MAXLEN', half)
  end
  out[i] = {redis.call('XLEN', key), slowest, gone, lags}
end
return out
"""

FORGET = """
-- Remove consumers that hold nothing. ARGV: milliseconds for which they did nothing, one that goes at once.
local removed = 0
for _, key in ipairs(KEYS) do
  local groups = redis.pcall('XINFO', 'GROUPS', key)
  for _, group in ipairs(groups.err and {} or groups) do
    for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', key, group[2])) do
      if flat[4] == 0 and (flat[2] == ARGV[2] or flat[6] > tonumber(ARGV[1])) then
        redis.call('XGROUP', 'DELCONSUMER', key, group[2], flat[2])
        removed = removed + 1
      end
    end
  end
end
return removed
"""
