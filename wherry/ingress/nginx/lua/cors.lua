-- Which other origins' pages may ask (features/cors.py).

local _M = {}

local patterns = {}

-- `*` in the place of the first labels is any subdomain.
local function matches(origin, allowed)
    if allowed == "*" or allowed == origin then
        return true
    end
    if not allowed:find("*", 1, true) then
        return false
    end
    local pattern = patterns[allowed]
    if not pattern then
        pattern = "^" .. allowed:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", "[%%w%%-%%._]+") .. "$"
        patterns[allowed] = pattern
    end
    return origin:find(pattern) ~= nil
end

-- Returns the value of Access-Control-Allow-Origin, or nil for an origin that may not ask.
local function allowed_origin(cors)
    local origin = ngx.var.http_origin
    for _, allowed in ipairs(cors.origins) do
        if allowed == "*" then
            return "*"
        end
        if origin and matches(origin:lower(), allowed:lower()) then
            return origin
        end
    end
end

local function common(cors, origin)
    ngx.header["Access-Control-Allow-Origin"] = origin
    ngx.header["Access-Control-Allow-Credentials"] = cors.credentials and "true" or nil
    ngx.header["Access-Control-Expose-Headers"] = cors.expose ~= "" and cors.expose or nil
    if origin ~= "*" then
        local vary = ngx.header["Vary"]
        ngx.header["Vary"] = vary and type(vary) == "string" and vary .. ", Origin" or vary or "Origin"
    end
end

-- Rewrite phase: a preflight gets its answer here.
function _M.preflight(cors)
    if ngx.req.get_method() ~= "OPTIONS" or not allowed_origin(cors) then
        return
    end
    ngx.header["Access-Control-Allow-Methods"] = cors.methods
    ngx.header["Access-Control-Allow-Headers"] = cors.headers
    ngx.header["Access-Control-Max-Age"] = cors.max_age
    ngx.header["Content-Type"] = "text/plain charset=UTF-8"
    ngx.header["Content-Length"] = "0"
    return ngx.exit(ngx.HTTP_NO_CONTENT)
end

-- Header filter.
function _M.tell(cors)
    local origin = allowed_origin(cors)
    if origin then
        common(cors, origin)
    end
end

return _M
