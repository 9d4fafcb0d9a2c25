-- Presents the certificate for the name the client asked for (SNI): exact, then wildcard, then the default one.
--
-- Shared memory `certificates` holds "host/NAME" -> JSON string ID, and "certificate/ID" -> JSON {chain, key}. An ID follows
-- the content, so what a worker has parsed under it stays right for ever.

local ssl = require("ngx.ssl")
local cjson = require("cjson.safe")
local lrucache = require("resty.lrucache")

local DEFAULT = "_"

local certificates = ngx.shared.certificates
local parsed = assert(lrucache.new(1024))

local _M = {}

local function id_of(host)
    local text = certificates:get("host/" .. host)
    return text and cjson.decode(text)
end

local function id_for(name)
    if name then
        name = name:lower()
        local id = id_of(name) or id_of((name:gsub("^[^.]+", "*", 1)))
        if id then
            return id
        end
    end
    return id_of(DEFAULT)
end

local function parse(id)
    local text = certificates:get("certificate/" .. id)
    local pem = text and cjson.decode(text)
    if not pem then
        return nil, "not pushed"
    end
    local chain, err = ssl.parse_pem_cert(pem.chain)
    if not chain then
        return nil, err
    end
    local key
    key, err = ssl.parse_pem_priv_key(pem.key)
    if not key then
        return nil, err
    end
    return { chain = chain, key = key }
end

-- ssl_certificate_by_lua. Where nothing was pushed yet, nginx.conf's own fallback certificate stays in place.
function _M.present()
    local id = id_for(ssl.server_name())
    if not id then
        return
    end
    local certificate, err = parsed:get(id), nil
    if not certificate then
        certificate, err = parse(id)
        if not certificate then
            ngx.log(ngx.ERR, "certificate ", id, " cannot be used: ", err)
            return
        end
        parsed:set(id, certificate)
    end
    local ok
    ok, err = ssl.clear_certs()
    if ok then
        ok, err = ssl.set_cert(certificate.chain)
    end
    if ok then
        ok, err = ssl.set_priv_key(certificate.key)
    end
    if not ok then
        ngx.log(ngx.ERR, "certificate ", id, " cannot be set: ", err)
        return ngx.exit(ngx.ERROR)
    end
end

return _M
