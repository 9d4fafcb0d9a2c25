-- The control socket: the controller writes what nginx.conf does not say into shared memory.
--
--   PUT   {key: value, ...}           replaces all entries
--   PATCH {key: value | null, ...}    sets entries, and removes those that are null (RFC 7396, one level deep)
--   GET                               the entries, those of `certificates` as null: private keys are never read out
--
-- Values are kept as JSON text. Shared memory outlives a reload and a worker, not nginx itself.

local cjson = require("cjson.safe")

local _M = {}

local function body()
    ngx.req.read_body()
    local text = ngx.req.get_body_data()
    if text then
        return text
    end
    local path = ngx.req.get_body_file()
    if not path then
        return "{}"
    end
    local file = assert(io.open(path, "rb"))
    text = file:read("*a")
    file:close()
    return text
end

local function sorted_keys(map)
    local keys = {}
    for key in pairs(map) do
        keys[#keys + 1] = key
    end
    table.sort(keys)
    return keys
end

-- Sets in the order of keys ("certificate/..." before the "host/..." that points at it), then removes. Returns the keys that
-- found no memory: the others are in force, and an entry that was there before stays as it was.
local function apply(dict, entries)
    local failed = {}
    for _, key in ipairs(sorted_keys(entries)) do
        local value = entries[key]
        if value ~= cjson.null and not dict:safe_set(key, cjson.encode(value)) then
            failed[#failed + 1] = key
        end
    end
    for key, value in pairs(entries) do
        if value == cjson.null then
            dict:delete(key)
        end
    end
    return failed
end

local function stale_as_null(dict, entries)
    for _, key in ipairs(dict:get_keys(0)) do
        if entries[key] == nil then
            entries[key] = cjson.null
        end
    end
end

local function answer(status, text)
    ngx.status = status
    ngx.say(text)
    return ngx.exit(status)
end

local function show(dict, readable)
    local parts = {}
    for _, key in ipairs(dict:get_keys(0)) do
        parts[#parts + 1] = cjson.encode(key) .. ":" .. (readable and dict:get(key) or "null")
    end
    ngx.header["Content-Type"] = "application/json"
    ngx.say("{", table.concat(parts, ","), "}")
end

function _M.serve(name)
    local dict = ngx.shared[name]
    local method = ngx.req.get_method()
    if method == "GET" then
        return show(dict, name ~= "certificates")
    end
    if method ~= "PUT" and method ~= "PATCH" then
        return answer(ngx.HTTP_NOT_ALLOWED, "PUT or PATCH")
    end
    local entries, err = cjson.decode(body())
    if type(entries) ~= "table" then
        return answer(ngx.HTTP_BAD_REQUEST, err or "not an object")
    end
    if method == "PUT" then
        stale_as_null(dict, entries)
    end
    local failed = apply(dict, entries)
    if #failed > 0 then
        return answer(507, cjson.encode(failed))
    end
    ngx.status = ngx.HTTP_NO_CONTENT
end

return _M
