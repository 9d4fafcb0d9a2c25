-- Counts requests by route (host, namespace, Ingress, Service: all from nginx.conf, so their number is bounded) and status.

local cjson = require("cjson.safe")

local counters = ngx.shared.counters

local _M = {}

-- Log phase.
function _M.count()
    local route = ngx.var.route
    if not route or route == "" then
        route = "- - - -"
    end
    local _, err = counters:incr(route .. " " .. ngx.status, 1, 0)
    if err then
        ngx.log(ngx.WARN, "a request was not counted: ", err)
    end
end

-- Control socket: {"host namespace ingress service status": number, ...}
function _M.serve()
    local parts = {}
    for _, key in ipairs(counters:get_keys(0)) do
        parts[#parts + 1] = cjson.encode(key) .. ":" .. (counters:get(key) or 0)
    end
    ngx.header["Content-Type"] = "application/json"
    ngx.say("{", table.concat(parts, ","), "}")
end

return _M
