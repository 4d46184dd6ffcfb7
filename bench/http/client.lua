-- For wrk: VERB ROUTE FILE.  "hot": sixteen tokens of the file again and again; "cold": all of it in turn, more than a
-- memory of tokens holds; "get": the route alone; "login"; "refresh": each answer's refresh token serves a later
-- request.  Prints one line for bench_http.py.
local requests, at = {}, 0
local json = {["Content-Type"] = "application/json"}

local function lines(path, most)
    local all = {}
    for line in io.lines(path) do
        all[#all + 1] = line
        if #all == most then break end
    end
    return all
end

local function chain(route, pool)
    local first, last = 1, #pool
    function request()
        local token = pool[first] or "none left"
        pool[first] = nil
        if first <= last then first = first + 1 end
        return wrk.format("POST", route, json, '{"refresh_token":"' .. token .. '"}')
    end
    function response(_, _, body)
        last = last + 1
        pool[last] = body:match('"refresh_token":"([^"]*)"') or "none given"
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end

function init(args)
    local verb, route, file = args[1], args[2], args[3]
    if verb == "get" then
        requests[1] = wrk.format("GET", route)
    elseif verb == "login" then
        requests[1] = wrk.format("POST", route, json, '{"username":"alice","password":"Correct-Horse-42"}')
    elseif verb == "refresh" then
        chain(route, lines(file))
    else
        for i, token in ipairs(lines(file, verb == "hot" and 16 or nil)) do
            requests[i] = wrk.format("GET", route, {Authorization = "Bearer " .. token})
        end
    end
end

function done(summary, latency, _)
    local e = summary.errors
    io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration,
        e.connect + e.read + e.write + e.timeout, e.status, latency:percentile(50), latency:percentile(99)))
end
