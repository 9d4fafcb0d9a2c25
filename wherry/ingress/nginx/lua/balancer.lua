-- Chooses the endpoint of a request.
--
-- Shared memory `backends` holds, by backend key, the JSON text [["10.244.1.5", 8002], ...]. Each worker keeps the decoded
-- list until the text differs, so a push is in force with the next request, in every worker, without a timer.

local ngx_balancer = require("ngx.balancer")
local cjson = require("cjson.safe")

local MAX_TRIES = 3 -- proxy_next_upstream_tries of nginx.conf

local backends = ngx.shared.backends
local pools = {}

local _M = {}

local function pool_of(name)
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

-- Returns the next endpoint in turn that was not tried for this request, or nil.
local function next_peer(pool, tried)
    local count = #pool.peers
    for _ = 1, count do
        pool.turn = pool.turn % count + 1
        if not tried[pool.turn] then
            return pool.turn
        end
    end
end

-- Rewrite phase: answers 503 when the backend has no endpoints.
function _M.check()
    local pool = pool_of(ngx.var.proxy_upstream_name)
    if not pool or #pool.peers == 0 then
        return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
    end
end

-- Balancer phase: runs once for every try.
function _M.balance()
    local state = ngx.ctx.balance
    if not state then
        -- The pool is kept for the request: a push between two tries must not renumber the endpoints tried.
        local pool = pool_of(ngx.var.proxy_upstream_name)
        if not pool then
            return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
        end
        state = { pool = pool, tried = {} }
        ngx.ctx.balance = state
        local more = math.min(#pool.peers, MAX_TRIES) - 1
        if more > 0 then
            ngx_balancer.set_more_tries(more)
        end
    end
    local turn = next_peer(state.pool, state.tried)
    if not turn then
        return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
    end
    state.tried[turn] = true
    local peer = state.pool.peers[turn]
    local ok, err = ngx_balancer.set_current_peer(peer[1], peer[2])
    if not ok then
        ngx.log(ngx.ERR, "cannot use endpoint ", peer[1], ":", peer[2], ": ", err)
        return ngx.exit(ngx.HTTP_BAD_GATEWAY)
    end
end

return _M
