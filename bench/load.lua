-- SPDX-License-Identifier: Apache-2.0
-- What wrk sends, from BENCH_METHOD, BENCH_BODY (bytes) and BENCH_HOST; its figures as one line of JSON at the end.
wrk.method = os.getenv("BENCH_METHOD") or "GET"
local body = tonumber(os.getenv("BENCH_BODY") or "0")
if body > 0 then wrk.body = string.rep("x", body) end
local host = os.getenv("BENCH_HOST")
if host and host ~= "" then wrk.headers["Host"] = host end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"us":%d,"bytes":%d,"p50_us":%d,"p99_us":%d,"broken":%d,"status_errors":%d,"timeouts":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write, e.status, e.timeout))
end
