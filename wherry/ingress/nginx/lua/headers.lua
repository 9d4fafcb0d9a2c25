-- Headers that an Ingress adds to answers (features/customheaders.py).

local words = require("words")

local _M = {}

-- Header filter. An empty value takes the endpoint's header away.
function _M.tell(headers)
    for _, header in ipairs(headers) do
        local value = words.said(header.value)
        ngx.header[header.name] = value ~= "" and value or nil
    end
end

return _M
