-- A client's requests go to one endpoint, by a cookie that holds its digest and its backend's (features/affinity.py).

local _M = {}

local function digest(peer)
    return ngx.md5(peer[1] .. ":" .. peer[2])
end

local function sent(affinity)
    local value = ngx.var["cookie_" .. affinity.name]
    if value then
        return value:match("^(%x+)|(%x+)$")
    end
end

-- Whether the cookie was made for a backend.
function _M.is_of(affinity, backend)
    local _, of = sent(affinity)
    return of ~= nil and of == ngx.md5(backend)
end

-- Returns the number of the endpoint that the cookie names, unless it was tried or is gone.
function _M.find(affinity, pool, tried)
    local wanted = sent(affinity)
    if not wanted then
        return nil
    end
    pool.digests = pool.digests or {}
    for turn, peer in ipairs(pool.peers) do
        local made = pool.digests[turn] or digest(peer)
        pool.digests[turn] = made
        if made == wanted then
            return not tried[turn] and turn or nil, true
        end
    end
end

-- Browsers that refuse SameSite=None, or take it for Strict (www.chromium.org/updates/same-site/incompatible-clients).
local REFUSE_NONE = {
    [[\(iP.+; CPU .*OS 12[_\d]*.*\) AppleWebKit/]],
    [[Macintosh;.*Mac OS X 10_14[_\d]*.*\) AppleWebKit/.*(Version/.* Safari/|KHTML, like Gecko\)$)]],
    [[Chrom(e|ium)/(5[1-9]|6[0-6])\.]],
    [[UCBrowser/([0-9]|1[01]|12\.([0-9]|1[0-2]))\.]],
}

local function takes_none(affinity)
    local agent = affinity.conditional_none and ngx.var.http_user_agent
    for _, pattern in ipairs(agent and REFUSE_NONE or {}) do
        if ngx.re.find(agent, pattern, "jo") then
            return false
        end
    end
    return true
end

-- Header filter: tells the client where it was.
function _M.tell(affinity, peer, backend)
    local parts = { affinity.name .. "=" .. digest(peer) .. "|" .. ngx.md5(backend), "Path=" .. affinity.path }
    if affinity.domain ~= "" then
        parts[#parts + 1] = "Domain=" .. affinity.domain
    end
    if affinity.expires ~= "" then
        parts[#parts + 1] = "Expires=" .. ngx.cookie_time(ngx.time() + tonumber(affinity.expires))
    end
    if affinity.max_age ~= "" then
        parts[#parts + 1] = "Max-Age=" .. affinity.max_age
    end
    if affinity.secure == "true" or (affinity.secure == "" and ngx.var.client_scheme == "https") then
        parts[#parts + 1] = "Secure"
    end
    parts[#parts + 1] = "HttpOnly"
    if affinity.same_site ~= "" and (affinity.same_site ~= "None" or takes_none(affinity)) then
        parts[#parts + 1] = "SameSite=" .. affinity.same_site
    end
    if affinity.partitioned then
        parts[#parts + 1] = "Partitioned"
    end
    local cookies = ngx.header["Set-Cookie"]
    if type(cookies) ~= "table" then
        cookies = { cookies }
    end
    cookies[#cookies + 1] = table.concat(parts, "; ")
    ngx.header["Set-Cookie"] = cookies
end

return _M
