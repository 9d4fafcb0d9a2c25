-- Leads a request by the table of its host (fronts/gateway/table.py has its form): finds the rule, does what it says, and
-- names the backend.

local get_headers, get_args = ngx.req.get_headers, ngx.req.get_uri_args

local WELL_KNOWN = { http = 80, https = 443 }

local _M = {}

-- Whether a value is what is wanted, which may be a pattern. One that searches too long matches nothing.
local function is(value, wanted, pattern)
    if not pattern then
        return value == wanted
    end
    local found, _, err = ngx.re.find(value, "^(?:" .. wanted .. ")$", "jo")
    if err then
        ngx.log(ngx.WARN, "a pattern cannot be used: ", err)
    end
    return found ~= nil
end

-- Whether all of `wanted` are among `given`: several headers of one name are one list, of several parameters the first counts.
local function has(given, wanted, joined)
    for _, one in ipairs(wanted) do
        local value = given[one[1]]
        if type(value) == "table" then
            value = joined and table.concat(value, ",") or value[1]
        end
        if value == true then
            value = ""
        end
        if value == nil or not is(value, one[2], one[3]) then
            return false
        end
    end
    return true
end

local function fits(candidate, request)
    if candidate.method and candidate.method ~= request.method then
        return false
    end
    if candidate.headers then
        request.headers = request.headers or get_headers(0)
        if not has(request.headers, candidate.headers, true) then
            return false
        end
    end
    if candidate.query then
        request.args = request.args or get_args(0)
        return has(request.args, candidate.query, false)
    end
    return true
end

local function first(candidates, request)
    for _, candidate in ipairs(candidates or {}) do
        if fits(candidate, request) then
            return candidate.rule
        end
    end
end

-- Returns the rule's number and the prefix it matched, if that is how: exact paths, then patterns, then the longest prefix.
local function of_level(level, request)
    local path = request.path
    local number = first(level.exact[path], request)
    if number then
        return number
    end
    for _, pattern in ipairs(level.regex) do
        if is(path, pattern[1], true) then
            number = first(pattern[2], request)
            if number then
                return number
            end
        end
    end
    local prefix = path:gsub("/+$", "")
    while true do
        number = first(level.prefix[prefix], request)
        if number then
            return number, prefix
        end
        if prefix == "" then
            return nil
        end
        prefix = prefix:match("^(.*)/") or ""
    end
end

local function find(data)
    local request = { path = ngx.var.uri, method = ngx.req.get_method() }
    for _, level in ipairs(data[ngx.var.scheme] or {}) do
        local number, prefix = of_level(level, request)
        if number then
            return data.rules[number], prefix
        end
    end
end

-- Returns the path in place of the one asked for, nil for the same.
local function path_instead(said, prefix)
    if said.full then
        return said.full
    end
    if said.prefix then
        local path = said.prefix .. ngx.var.uri:sub(#(prefix or "") + 1)
        return path ~= "" and path or "/"
    end
end

local function redirect(said, prefix)
    local scheme = said.scheme or ngx.var.client_scheme
    local host = said.host or ngx.var.host
    local port = said.port
    if not port and not said.scheme then
        -- The port the client sees: one that a forward has in front of ours, or ours.
        port = not said.host and (ngx.var.best_http_host or ""):match(":(%d+)$") or ngx.var.client_port
    end
    local there = ""
    if tonumber(port) and tonumber(port) ~= WELL_KNOWN[scheme] then
        there = ":" .. port
    elseif not port and scheme == "https" then
        there = ngx.var.https_port_suffix
    end
    local path = path_instead(said, prefix)
    local rest = path and ngx.escape_uri(path, 0) or ngx.var.request_uri
    if path and ngx.var.args and ngx.var.args ~= "" then
        rest = rest .. "?" .. ngx.var.args
    end
    ngx.header["Location"] = scheme .. "://" .. host .. there .. rest
    return ngx.exit(said.status)
end

local function rewrite(said, prefix)
    if said.host then
        ngx.var.upstream_host = said.host
    end
    local path = path_instead(said, prefix)
    if path then
        ngx.req.set_uri(path)
    end
end

local function with(values, more)
    local all = type(values) == "table" and { unpack(values) } or { values }
    all[#all + 1] = more
    return all
end

local function modify_request(said)
    for _, header in ipairs(said.set or {}) do
        if header[1]:lower() == "host" then
            ngx.var.upstream_host = header[2]
        else
            ngx.req.set_header(header[1], header[2])
        end
    end
    for _, header in ipairs(said.add or {}) do
        ngx.req.set_header(header[1], with(get_headers(0)[header[1]], header[2]))
    end
    for _, name in ipairs(said.remove or {}) do
        ngx.req.clear_header(name)
    end
end

local function modify_response(said)
    for _, header in ipairs(said.set or {}) do
        ngx.header[header[1]] = header[2]
    end
    for _, header in ipairs(said.add or {}) do
        ngx.header[header[1]] = with(ngx.header[header[1]], header[2])
    end
    for _, name in ipairs(said.remove or {}) do
        ngx.header[name] = nil
    end
end

local function choose(backends)
    local total = 0
    for _, backend in ipairs(backends or {}) do
        total = total + backend.weight
    end
    if total == 0 then
        return nil
    end
    local left = math.random(total)
    for _, backend in ipairs(backends) do
        left = left - backend.weight
        if left <= 0 then
            return backend
        end
    end
end

local function copies(mirrors)
    local names = {}
    for _, mirror in ipairs(mirrors) do
        if math.random(mirror.of) <= mirror.part then
            names[#names + 1] = mirror.backend
        end
    end
    ngx.var.mirrored = table.concat(names, " ")
end

-- Rewrite phase: returns the backend's name. Where nobody is to be asked, it answers: 404 without a rule, 500 where the rule
-- names nobody that is there.
function _M.settle(data)
    local rule, prefix = find(data)
    if not rule then
        return ngx.exit(ngx.HTTP_NOT_FOUND)
    end
    ngx.ctx.answers = { rule.response }
    ngx.var.route = data.host .. " " .. rule.name .. " -"
    if rule.redirect then
        return redirect(rule.redirect, prefix)
    end
    local backend = choose(rule.backends)
    if not backend or not backend.backend then
        return ngx.exit(ngx.HTTP_INTERNAL_SERVER_ERROR)
    end
    ngx.var.route = data.host .. " " .. rule.name .. " " .. backend.service
    ngx.ctx.seconds = rule.seconds
    ngx.ctx.answers = { rule.response, backend.response }
    if rule.request then
        modify_request(rule.request)
    end
    if backend.request then
        modify_request(backend.request)
    end
    if rule.mirrors then
        copies(rule.mirrors)
    end
    if rule.rewrite then
        rewrite(rule.rewrite, prefix)
    end
    return backend.backend
end

-- Header filter.
function _M.tell()
    for _, said in pairs(ngx.ctx.answers or {}) do
        modify_response(said)
    end
end

-- Rewrite phase of a copy: ends it where the rule wants fewer.
function _M.mirror(number)
    local count = 0
    for name in (ngx.var.mirrored or ""):gmatch("%S+") do
        count = count + 1
        if count == number then
            ngx.ctx.mirror = name
            return
        end
    end
    return ngx.exit(ngx.HTTP_NO_CONTENT)
end

return _M
