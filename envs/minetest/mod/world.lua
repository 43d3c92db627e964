-- The blocks. Cell (x, z, y) of the program (x east, z south, y up, from 0) is the engine's node {x, y, -z}.

local M = {}

-- In the order of the program's ids.
M.NODES = {
    [0] = "air", "default:stone", "default:dirt", "default:dirt_with_grass", "default:tree", "default:leaves",
    "default:stone_with_coal", "default:stone_with_iron", "default:stone_with_diamond", "default:lava_source",
    "autoreward:bedrock", "default:cobble", "autoreward:crafting_table", "default:furnace", "default:water_source",
    "default:lava_flowing",
}

minetest.register_node("autoreward:bedrock", { description = "Bedrock", diggable = false, groups = { unbreakable = 1 } })
minetest.register_node("autoreward:crafting_table", {
    description = "Crafting table",
    groups = { choppy = 2, oddly_breakable_by_hand = 2 },
})

local content, ids = {}, {} -- id -> the engine's number, and back
minetest.register_on_mods_loaded(function()
    for number, name in pairs(M.NODES) do
        content[number] = minetest.get_content_id(name)
        ids[content[number]] = number
    end
    ids[minetest.get_content_id("default:water_flowing")] = 14
end)

-- The program's id of a node of the engine: what it has none for is stone where it is solid, else air.
local function id_of(number)
    if not ids[number] then
        local definition = minetest.registered_nodes[minetest.get_name_from_content_id(number)]
        ids[number] = definition and definition.walkable and 1 or 0
    end
    return ids[number]
end

function M.position(x, z, y)
    return { x = x, y = y, z = -z }
end

function M.definition(position)
    return minetest.registered_nodes[minetest.get_node(position).name] or minetest.registered_nodes["air"]
end

function M.id(position)
    return id_of(minetest.get_content_id(minetest.get_node(position).name))
end

local order, buffer, last = {}, {}, {}
local corner, opposite = { x = 0, y = 0, z = 0 }, nil
local size

-- Where in the engine's box of data each cell lies, in the program's order: y fastest, then z, then x.
local function lay_out(manip)
    local low, high = manip:read_from_map({ x = 0, y = 0, z = -(size.z - 1) }, { x = size.x - 1, y = size.y - 1, z = 0 })
    local area, at = VoxelArea:new({ MinEdge = low, MaxEdge = high }), 0
    order = {}
    for x = 0, size.x - 1 do
        for z = 0, size.z - 1 do
            for y = 0, size.y - 1 do
                at = at + 1
                order[at] = area:index(x, y, -z)
            end
        end
    end
end

local function write(number_at)
    local manip = minetest.get_voxel_manip()
    manip:read_from_map({ x = 0, y = 0, z = -(size.z - 1) }, { x = size.x - 1, y = size.y - 1, z = 0 })
    manip:get_data(buffer)
    local levels = manip:get_param2_data()
    for at = 1, #order do
        buffer[order[at]] = content[number_at(at)]
        levels[order[at]] = 0
    end
    manip:set_data(buffer)
    manip:set_param2_data(levels)
    manip:write_to_map(false)
end

-- Keep the world's mapblocks in memory and awake: without a player nearby nothing moves in them.
local function wake()
    for x = 0, size.x - 1, 16 do
        for z = 0, size.z - 1, 16 do
            for y = 0, size.y - 1, 16 do
                assert(minetest.forceload_block({ x = x, y = y, z = -z }, true))
                assert(minetest.forceload_block({ x = x, y = y, z = -math.min(z + 15, size.z - 1) }, true))
            end
        end
    end
end

local function awake()
    for x = 0, size.x - 1, 16 do
        for z = 0, size.z - 1, 16 do
            if not minetest.compare_block_status({ x = x, y = 0, z = -z }, "active") then
                return false
            end
        end
    end
    return true
end

-- Over several ticks: fill the box with the program's ids, one byte each. First all is stone, so that what still
-- flowed in the last episode has come to rest.
function M.build(given, blocks)
    if not size or size.x ~= given.x or size.z ~= given.z or size.y ~= given.y then
        size = given
        local waiting = true
        minetest.emerge_area({ x = 0, y = 0, z = -(size.z - 1) }, { x = size.x - 1, y = size.y - 1, z = 0 },
            function(_, _, remaining) waiting = remaining > 0 end)
        while waiting do coroutine.yield() end
        lay_out(minetest.get_voxel_manip())
        wake()
        while not awake() do coroutine.yield() end
    end
    write(function() return 1 end)
    coroutine.yield()
    last = { blocks:byte(1, 1) }
    write(function(at)
        last[at] = blocks:byte(at)
        return last[at]
    end)
end

-- Cells that are no longer as they were last told: how many, then each number (from 0) and id.
function M.changes()
    local manip = minetest.get_voxel_manip()
    manip:read_from_map({ x = 0, y = 0, z = -(size.z - 1) }, { x = size.x - 1, y = size.y - 1, z = 0 })
    manip:get_data(buffer)
    local told, count = {}, 0
    for at = 1, #order do
        local number = ids[buffer[order[at]]] or id_of(buffer[order[at]])
        if number ~= last[at] then
            last[at], count = number, count + 1
            told[#told + 1] = at - 1
            told[#told + 1] = number
        end
    end
    return count .. " " .. table.concat(told, " ")
end

return M
