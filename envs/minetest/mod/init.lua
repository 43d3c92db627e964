-- The server's half of `autoreward.envs.minetest`: one command of the program, one tick of the engine, one answer.
-- Lines of numbers over two pipes that the server has inherited. When the program is gone, so is the server.

local insecure = minetest.request_insecure_environment()
assert(insecure, "the mod autoreward must be named in secure.trusted_mods")

local PROTOCOL = 1
autoreward = {} -- what the files here share
for _, name in ipairs({ "world", "body", "animals", "agent" }) do
    autoreward[name] = dofile(minetest.get_modpath("autoreward") .. "/" .. name .. ".lua")
end
local world, animals, agent = autoreward.world, autoreward.animals, autoreward.agent

local inbox = assert(insecure.io.open("/dev/fd/" .. minetest.settings:get("autoreward_in"), "rb"))
local outbox = assert(insecure.io.open("/dev/fd/" .. minetest.settings:get("autoreward_out"), "wb"))

minetest.safe_file_write = function() return true end -- nothing is to be kept: the world's folder is gone already

local function say(...)
    outbox:write(table.concat({ ... }, " "), "\n")
    outbox:flush()
end

local function numbers(line)
    local found = {}
    for word in line:gmatch("%S+") do
        found[#found + 1] = tonumber(word)
    end
    return found
end

local function leave()
    insecure.os.exit(0)
end

-- A list behind its length, from `at` on; and where the next thing begins.
local function list(given, at)
    local found = {}
    for place = at + 1, at + given[at] do
        found[#found + 1] = given[place]
    end
    return found, at + given[at] + 1
end

local building

-- `size (3), start x z y heading, seed, reach, move, flee, animals' health; items; recipes; animals`, then the blocks.
local function build(given)
    local episode = {
        size = { x = given[1], z = given[2], y = given[3] },
        x = given[4], z = given[5], y = given[6], heading = given[7],
        seed = given[8], reach = given[9], move = given[10], flee = given[11] > 0, animal_health = given[12],
    }
    local at = 13
    episode.items, at = list(given, at)
    episode.recipes, at = list(given, at)
    episode.animals, at = list(given, at)
    local blocks = inbox:read(episode.size.x * episode.size.z * episode.size.y)
    building = coroutine.create(function()
        world.build(episode.size, blocks)
        animals.begin(episode)
        agent.begin(episode)
    end)
end

local function answer()
    local told = agent.told()
    for _, number in ipairs(animals.told()) do
        told[#told + 1] = number
    end
    say(table.concat(told, " ") .. " " .. world.changes())
end

-- Listen until the program wants something that takes a tick of `dtime` seconds.
local function obey(dtime)
    local line = inbox:read("*l")
    if not line or line == "quit" then
        leave()
    end
    local word, rest = line:match("^(%a+) ?(.*)$")
    if word == "build" then
        build(numbers(rest))
    elseif word == "step" then
        animals.act(dtime)
        agent.act(tonumber(rest), dtime)
    else
        error("no such command: " .. line)
    end
end

local begun = false
minetest.register_globalstep(function(dtime)
    if not begun then
        begun = true
        say("autoreward", PROTOCOL, minetest.get_version().string)
    elseif building then
        assert(coroutine.resume(building)) -- each tick it goes on to its next `yield`
        if coroutine.status(building) ~= "dead" then
            return
        end
        building = nil
        answer()
    else
        animals.settle()
        agent.settle()
        answer()
    end
    obey(dtime)
end)
