-- Text with variables of nginx: a list of { text = … } and { variable = … }.

local _M = {}

function _M.said(parts)
    local said = {}
    for i, part in ipairs(parts) do
        said[i] = part.text or ngx.var[part.variable] or ""
    end
    return table.concat(said)
end

return _M
