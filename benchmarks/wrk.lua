-- Create customers as fast as the server lets us: its ceiling. TOKEN is put in by the benchmark.
local headers = { ["x-token"] = "TOKEN", ["Content-Type"] = "application/json" }
local number = 0

function request()
  number = number + 1
  local body = string.format(
    '{"name": "Demo %d", "phone": "+99450%07d", "email": "demo%d@example.com", "code": "C%07d", "gender": 1, "date_of_birth": "1990-05-15"}',
    number, number, number, number)
  return wrk.format("POST", nil, headers, body)
end
