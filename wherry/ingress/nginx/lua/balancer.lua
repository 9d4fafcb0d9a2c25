-- Chooses the endpoint of a request.
--
-- Shared memory `backends` holds, by backend key, the JSON text [["10.244.1.5", 8002], ...]. Each worker keeps the decoded
-- list until the text differs, so a push is in force with the next request, in every worker, without a timer.

local ngx_balancer = require("ngx.balancer")
local cjson = require("cjson.safe")
local affinity = require("affinity")
local choice = require("choice")
local cors = require("cors")
local gateway = require("gateway")
local headers = require("headers")
local route = require("route")
local split = require("split")

local MAX_TRIES = 99 -- nginx.conf's proxy_next_upstream_tries stops before

local backends = ngx.shared.backends
local pools = {}

local _M = {}

local function pool_of(name)
    if not name or name == "" then
        return nil
    end
    local text = backends:get(name)
    if not text then
        return nil
    end
    local pool = pools[name]
    if pool and pool.text == text then
        return pool
    end
    local peers = cjson.decode(text) or {}
    -- Workers start apart, or all of them would send their first request to the same endpoint.
    pool = { text = text, peers = peers, turn = #peers > 0 and math.random(#peers) or 0 }
    pools[name] = pool
    return pool
end

-- Returns the next endpoint for this request that was not tried, or nil.
local function untried(state)
    local data, pool, tried = state.data, state.pool, state.tried
    if data.affinity then
        local turn, is_there = affinity.find(data.affinity, pool, tried)
        state.tells = not turn and (not is_there or data.affinity.changes)
        if turn then
            return turn
        end
    end
    local balance = data.balance
    if balance and #balance.hash_by > 0 then
        return choice.by_key(pool, tried, balance)
    end
    if balance and balance.algorithm == "ewma" then
        return choice.by_speed(pool, tried)
    end
    if balance and balance.algorithm == "least_conn" then
        return choice.by_load(pool, tried)
    end
    return choice.in_turn(pool, tried)
end

-- Returns the endpoint to try next, or nil when there are none. More tries than endpoints come of connections that were
-- kept and had ended: nginx does not count those, and they say nothing of the endpoint. So all may be tried once more.
local function next_peer(state)
    local turn = untried(state)
    if not turn then
        state.tried = {}
        turn = untried(state)
    end
    return turn
end

local function is_live(name)
    local pool = pool_of(name)
    return pool and #pool.peers > 0
end

-- Returns the backend of a request: the canary's, if it is its turn and it has endpoints.
local function backend_of(data)
    local name, other = ngx.var.proxy_upstream_name, data.split
    if not other or not is_live(other.backend) then
        return name
    end
    if data.affinity and data.affinity.sticky_canary then
        if affinity.is_of(data.affinity, name) and is_live(name) then
            return name
        end
        if affinity.is_of(data.affinity, other.backend) then
            return other.backend
        end
    end
    return split.takes(other) and other.backend or name
end

-- Rewrite phase: settles the backend; answers 503 when it has no endpoints.
function _M.check()
    if ngx.is_subrequest then
        return
    end
    local data = route.data()
    if data.cors then
        cors.preflight(data.cors)
    end
    local name = data.table and gateway.settle(data.table) or backend_of(data)
    ngx.var.proxy_upstream_name = name
    if not is_live(name) then
        local instead = ngx.var.instead
        if instead and instead ~= "" then
            return ngx.exec(instead)
        end
        return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
    end
end

-- Header filter: what the answer is to say beside the endpoint's own words.
function _M.tell()
    if ngx.is_subrequest then
        return
    end
    local data, state = route.data(), ngx.ctx.balance
    if data.cors then
        cors.tell(data.cors)
    end
    if data.headers then
        headers.tell(data.headers)
    end
    if data.table then
        gateway.tell()
    end
    if data.affinity and state and state.tells and state.peer then
        affinity.tell(data.affinity, state.peer, state.name)
    end
end

-- Log phase: remembers how fast the endpoint was, or that it has one request less.
function _M.after()
    local state = ngx.ctx.balance
    if state and state.counted then
        choice.leave(state.counted)
    end
    if state and state.peer and state.data.balance and state.data.balance.algorithm == "ewma" then
        local seconds = tonumber((ngx.var.upstream_response_time or ""):match("([%d.]+)$"))
        if seconds then
            choice.took(state.peer, seconds)
        end
    end
end

-- Balancer phase: runs once for every try.
function _M.balance()
    local state = ngx.ctx.balance
    if not state then
        -- The pool is kept for the request: a push between two tries must not renumber the endpoints tried.
        local name = ngx.var.proxy_upstream_name
        local pool = pool_of(name)
        if not pool then
            return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
        end
        state = { name = name, pool = pool, tried = {}, data = route.data() }
        ngx.ctx.balance = state
        local more = math.min(#pool.peers, MAX_TRIES) - 1
        if more > 0 and not ngx.ctx.seconds then
            ngx_balancer.set_more_tries(more)
        end
    end
    if ngx.ctx.seconds then
        ngx_balancer.set_timeouts(nil, ngx.ctx.seconds, ngx.ctx.seconds)
    end
    local turn = next_peer(state)
    if not turn then
        return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
    end
    state.tried[turn] = true
    local peer = state.pool.peers[turn]
    state.peer = peer
    if state.counted then
        choice.leave(state.counted)
        state.counted = nil
    end
    if state.data.balance and state.data.balance.algorithm == "least_conn" then
        choice.enter(peer)
        state.counted = peer
    end
    local ok, err = ngx_balancer.set_current_peer(peer[1], peer[2])
    if not ok then
        ngx.log(ngx.ERR, "cannot use endpoint ", peer[1], ":", peer[2], ": ", err)
        return ngx.exit(ngx.HTTP_BAD_GATEWAY)
    end
end

-- Balancer phase of a copy: whoever is next in turn, tried once.
function _M.mirror()
    local pool = pool_of(ngx.ctx.mirror)
    local turn = pool and choice.in_turn(pool, {})
    if not turn then
        return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
    end
    local peer = pool.peers[turn]
    ngx_balancer.set_current_peer(peer[1], peer[2])
end

return _M
