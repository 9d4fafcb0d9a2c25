-- Ways to choose among endpoints: in turn, by a key, by how fast they answered, by how busy they are (features/balancing.py).
--
-- Each returns the number of an endpoint that was not tried for this request, or nil.

local bit = require("bit")
local words = require("words")

local DECAY_SECONDS = 10

local speeds = {} -- by address: { average, at }
local busy = {} -- by address: requests of this worker that are under way

local _M = {}

function _M.in_turn(pool, tried)
    local count = #pool.peers
    for _ = 1, count do
        pool.turn = pool.turn % count + 1
        if not tried[pool.turn] then
            return pool.turn
        end
    end
end

local function name_of(peer)
    return peer[1] .. ":" .. peer[2]
end

function _M.enter(peer)
    local name = name_of(peer)
    busy[name] = (busy[name] or 0) + 1
end

function _M.leave(peer)
    local name = name_of(peer)
    local left = (busy[name] or 1) - 1
    busy[name] = left > 0 and left or nil
end

-- The endpoint with the fewest requests under way; of equals, in turn.
function _M.by_load(pool, tried)
    local best, least
    for step = 1, #pool.peers do
        local turn = (pool.turn + step - 1) % #pool.peers + 1
        local load = busy[name_of(pool.peers[turn])] or 0
        if not tried[turn] and (not least or load < least) then
            best, least = turn, load
        end
    end
    pool.turn = best or pool.turn
    return best
end

-- Mixes a checksum's bits, which alone keeps the order of similar keys (the finaliser of MurmurHash3).
local function mixed(number)
    number = bit.bxor(number, bit.rshift(number, 15))
    number = bit.tobit(number * 31 + bit.lshift(number, 7))
    number = bit.bxor(number, bit.rshift(number, 13))
    return bit.tobit(number * 17 + bit.lshift(number, 11))
end

-- Rendezvous hashing: the endpoint with the highest number for the key; if it goes, only its keys move.
function _M.by_key(pool, tried, balance)
    local key = words.said(balance.hash_by)
    local ranks = {}
    for turn, peer in ipairs(pool.peers) do
        if not tried[turn] then
            ranks[#ranks + 1] = { mixed(ngx.crc32_long(key .. "\0" .. peer[1] .. ":" .. peer[2])), turn }
        end
    end
    if #ranks == 0 then
        return nil
    end
    table.sort(ranks, function(one, other)
        return one[1] > other[1] or (one[1] == other[1] and one[2] < other[2])
    end)
    return ranks[balance.few > 1 and math.random(math.min(balance.few, #ranks)) or 1][2]
end

local function speed_of(peer)
    local speed = speeds[name_of(peer)]
    if not speed then
        return 0
    end
    return speed.average * math.exp(-(ngx.now() - speed.at) / DECAY_SECONDS)
end

-- Exponentially weighted moving average: of two endpoints by chance, the one that was faster.
function _M.by_speed(pool, tried)
    local left = {}
    for turn = 1, #pool.peers do
        if not tried[turn] then
            left[#left + 1] = turn
        end
    end
    if #left < 2 then
        return left[1]
    end
    local one = table.remove(left, math.random(#left))
    local other = left[math.random(#left)]
    return speed_of(pool.peers[one]) <= speed_of(pool.peers[other]) and one or other
end

-- Log phase: `seconds` is what an endpoint took.
function _M.took(peer, seconds)
    local name = name_of(peer)
    local speed, now = speeds[name], ngx.now()
    local weight = speed and math.exp(-(now - speed.at) / DECAY_SECONDS) or 0
    speeds[name] = { average = (speed and speed.average or 0) * weight + seconds * (1 - weight), at = now }
end

return _M
