-- SPDX-License-Identifier: MIT
--
-- luapool.lua - a job for luapool: a file's words through JSON and back.
--
--     luapool luapool.lua [FILE [ROUNDS]]
--
-- Builds an index of FILE (this script): for each word the lines that it
-- stands in.  Then, ROUNDS (20) times, writes the index as JSON, reads that
-- again, and compares.  So there are short strings by the thousand, tables
-- that grow, some long strings, and much that the collector takes back.
--
-- The JSON here is what the job needs: objects, arrays, strings and whole
-- numbers; no \u escapes, no null.

local function index(name)
    local file = assert(io.open(name, "rb"))
    local words, order, number = {}, {}, 0

    for line in file:lines() do
        number = number + 1
        for word in line:lower():gmatch("[%w\128-\255]+") do
            local entry = words[word]
            if not entry then
                entry = {count = 0, lines = {}}
                words[word] = entry
                order[#order + 1] = word
            end
            entry.count = entry.count + 1
            if entry.lines[#entry.lines] ~= number then
                entry.lines[#entry.lines + 1] = number
            end
        end
    end
    file:close()
    table.sort(order)
    return words, order
end

local escapes = {['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n"}
local encode

local function encode_string(text)
    return '"' .. text:gsub('["\\\n]', escapes) .. '"'
end

local function encode_object(object)
    local keys, parts = {}, {}

    for key in pairs(object) do
        keys[#keys + 1] = key
    end
    table.sort(keys)
    for i, key in ipairs(keys) do
        parts[i] = encode_string(key) .. ":" .. encode(object[key])
    end
    return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value)
    if type(value) == "number" then
        return string.format("%d", value)
    elseif type(value) == "string" then
        return encode_string(value)
    elseif #value == 0 then
        return encode_object(value)
    end
    local parts = {}
    for i, item in ipairs(value) do
        parts[i] = encode(item)
    end
    return "[" .. table.concat(parts, ",") .. "]"
end

local decode
local unescapes = {['"'] = '"', ["\\"] = "\\", n = "\n"}

local function decode_string(text, at)
    local last = at + 1

    while text:sub(last, last) ~= '"' do
        last = last + (text:sub(last, last) == "\\" and 2 or 1)
    end
    return text:sub(at + 1, last - 1):gsub("\\(.)", unescapes), last + 1
end

-- Members up to the closing bracket; step reads one and says where it ends.
local function decode_list(text, at, closing, step)
    local list = {}

    at = at + 1
    while text:sub(at, at) ~= closing do
        at = step(list, at)
        if text:sub(at, at) == "," then
            at = at + 1
        end
    end
    return list, at + 1
end

function decode(text, at)
    local first = text:sub(at, at)

    if first == '"' then
        return decode_string(text, at)
    elseif first == "[" then
        return decode_list(text, at, "]", function(list, i)
            local value
            value, i = decode(text, i)
            list[#list + 1] = value
            return i
        end)
    elseif first == "{" then
        return decode_list(text, at, "}", function(list, i)
            local key, value
            key, i = decode(text, i)
            value, i = decode(text, i + 1)
            list[key] = value
            return i
        end)
    end
    local digits = text:match("^-?%d+", at) or
        error("no JSON at byte " .. at)
    return math.tointeger(digits), at + #digits
end

local function same(left, right)
    if type(left) ~= "table" or type(right) ~= "table" then
        return left == right
    end
    for key, value in pairs(left) do
        if not same(value, right[key]) then
            return false
        end
    end
    for key in pairs(right) do
        if left[key] == nil then
            return false
        end
    end
    return true
end

local words, order = index(arg[1] or arg[0])
local rounds = math.tointeger(arg[2] or 20)
local length

for round = 1, rounds do
    local text = encode(words)
    local copy, stop = decode(text, 1)
    assert(stop == #text + 1, "JSON goes on after its end")
    assert(same(words, copy), "the copy differs in round " .. round)
    length = #text
    words = copy
end
table.sort(order, function(a, b)
    local x, y = words[a].count, words[b].count
    return x > y or x == y and a < b
end)
print(string.format("%d words, %d bytes of JSON, %d times there and back",
    #order, length or 0, rounds))
for i = 1, math.min(5, #order) do
    print(string.format("%7d %s", words[order[i]].count, order[i]))
end
