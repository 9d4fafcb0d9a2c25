-- What the controller tells of a location beside nginx.conf: splits, affinity, balancing, CORS (features/*.py, `data`).
--
-- Shared memory `routes` holds JSON by the location's id, which is in $policy. Decoded once per worker and text.

local cjson = require("cjson.safe")

local routes = ngx.shared.routes
local NOTHING = {}
local known = {}

local _M = {}

function _M.data()
    local id = ngx.var.policy
    if not id or id == "" then
        return NOTHING
    end
    local text = routes:get(id)
    if not text then
        known[id] = nil
        return NOTHING
    end
    local entry = known[id]
    if not entry or entry.text ~= text then
        entry = { text = text, data = cjson.decode(text) or NOTHING }
        known[id] = entry
    end
    return entry.data
end

return _M
