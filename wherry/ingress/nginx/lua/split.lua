-- Whether a request goes to the canary: by header, then by cookie, then by weight (features/canary.py).

local _M = {}

local function variable(kind, name)
    return ngx.var[kind .. name:lower():gsub("-", "_")]
end

-- Returns true or false for a value that says so, nil for any other.
local function said(value)
    if value == "always" then
        return true
    end
    if value == "never" then
        return false
    end
end

-- Returns true or false where the header decides, nil where it does not.
local function by_header(split)
    local value = split.header ~= "" and variable("http_", split.header)
    if not value then
        return nil
    end
    if split.value ~= "" then
        return value == split.value or nil
    end
    if split.pattern ~= "" then
        local found, _, err = ngx.re.find(value, split.pattern, "jo")
        if err then
            ngx.log(ngx.ERR, "the pattern of a canary's header cannot be used: ", err)
            return false
        end
        return found ~= nil or nil
    end
    return said(value)
end

local function by_cookie(split)
    return said(split.cookie ~= "" and ngx.var["cookie_" .. split.cookie])
end

function _M.takes(split)
    local decided = by_header(split)
    if decided == nil then
        decided = by_cookie(split)
    end
    if decided == nil then
        decided = split.weight > 0 and math.random(split.total) <= split.weight
    end
    return decided
end

return _M
