-- Where keys stand in their sliding windows, the admission of one request, and stored limits.
--
-- One script does all of it so that what the API shows is what a request would meet.
--
-- KEYS  four for each key: log, sequence, stored limit, asked limit
-- ARGV  'check', 'look' or 'limits'; default limit, default window in ms; for a check also the
--       limit and the window in ms that the request brought, each '' when it brought none
-- Reply one list for each key: {problem} when its data cannot be trusted; {'', limit, window} of
--       what is stored for 'limits', {''} when nothing is; else {'', allowed, count, limit, window,
--       remaining, ms until a request is allowed, ms until a slot is freed, limit is stored}

local checking = ARGV[1] == 'check'
local default_limit, default_window = tonumber(ARGV[2]), tonumber(ARGV[3])

-- Redis's own clock: the clocks of the nodes may differ.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Fifteen digits are exact in a double.
local function whole(text)
  if text and #text <= 15 and string.match(text, '^%d+$') then return tonumber(text) end
end

-- Returns limit, burst, window; nothing when none is stored; only a problem as the fourth.
local function stored_limit(key)
  local seen = redis.call('TYPE', key).ok
  if seen == 'none' then return end
  if seen ~= 'hash' then return nil, nil, nil, 'wrong type of ' .. key .. ': ' .. seen end
  local fields = redis.call('HMGET', key, 'limit', 'burst', 'window_ms')
  local limit, burst = whole(fields[1]), whole(fields[2] or '0')
  local window = whole(fields[3] or tostring(default_window))
  if not limit or not burst or not window or window == 0 then
    local shown = {}
    for number, name in ipairs({'limit', 'burst', 'window_ms'}) do
      shown[number] = name .. '=' .. (fields[number] or '')
    end
    return nil, nil, nil, 'malformed ' .. key .. ': ' .. table.concat(shown, ' ')
  end
  return limit, burst, window
end

local function asked_limit(key)
  if checking then
    local limit, window = whole(ARGV[4]), whole(ARGV[5])
    redis.call('DEL', key)
    if not limit and not window then return default_limit, default_window end
    limit, window = limit or default_limit, window or default_window
    redis.call('HSET', key, 'limit', limit, 'window_ms', window)
    redis.call('PEXPIRE', key, window)
    return limit, window
  end
  local fields = redis.pcall('HMGET', key, 'limit', 'window_ms')
  return whole(fields[1]) or default_limit, whole(fields[2]) or default_window
end

local function until_gone(log, since, window, position)
  local entry = redis.call('ZRANGEBYSCORE', log, since, '+inf', 'WITHSCORES', 'LIMIT', position, 1)
  if not entry[2] then return 0 end
  return math.max(1, math.min(window, math.ceil(tonumber(entry[2])) + window + 1 - now))
end

local function standing(log, sequence, stored, asked)
  local seen = redis.call('TYPE', log).ok
  if seen ~= 'none' and seen ~= 'zset' then return {'wrong type: ' .. seen} end
  local limit, burst, window, problem = stored_limit(stored)
  if problem then return {problem} end
  local is_stored = limit and 1 or 0
  if not limit then
    burst = 0
    limit, window = asked_limit(asked)
  end

  -- An entry a whole window old still counts: scores are whole ms, and cutting them off must not
  -- let one request too many into a window.
  local since = now - window
  local capacity = limit + burst
  local count = redis.call('ZCOUNT', log, since, '+inf')
  local allowed = count < capacity

  if checking then
    redis.call('ZREMRANGEBYSCORE', log, '-inf', '(' .. string.format('%.0f', since))
    if allowed then
      local number = redis.pcall('INCR', sequence)
      if type(number) == 'table' then return {'wrong type of ' .. sequence} end
      -- The time keeps a member unique even when the sequence was lost.
      local member = string.format('%.0f-%s-%.0f', now, time[2], number)
      redis.call('ZADD', log, now, member)
      redis.call('PEXPIRE', log, window)
      redis.call('PEXPIRE', sequence, window)
      count = count + 1
    end
  end

  local retry, freed = 0, 0
  if allowed then
    freed = until_gone(log, since, window, 0)
  else
    retry = capacity == 0 and window or until_gone(log, since, window, count - capacity)
    freed = retry
  end
  local remaining = math.max(0, capacity - count)
  return {'', allowed and 1 or 0, count, limit, window, remaining, retry, freed, is_stored}
end

local function stored_only(stored)
  local limit, _, window, problem = stored_limit(stored)
  return {problem or '', limit, window}
end

local reply = {}
for first = 1, #KEYS, 4 do
  local log, sequence, stored, asked = unpack(KEYS, first, first + 3)
  reply[#reply + 1] = ARGV[1] == 'limits' and stored_only(stored)
    or standing(log, sequence, stored, asked)
end
return reply
