# SPDX-License-Identifier: Apache-2.0
# What the rules of examples/deployments must fire: the first rule that matches, from the top, takes the event.
def when(rule; condition): if (try condition catch false) then rule else empty end;

reduce (inputs | [
  when("Production deployment failed"; .type == "deploy" and .environment == "production" and .status == "failed"),
  when("Data tier is in trouble";
    (.alert.severity | IN("critical", "emergency")) and any(.alert.labels[]; .value == "data")),
  when("Refused login of a privileged user from outside";
    (.user | IN("root", "admin")) and .ok == false and (.from.address | test("^(10|192)[.]") | not)),
  when("Disk nearly full"; .type == "disk" and (.disk | .total_gb - .used_gb - .reserved_gb < 25)),
  when("Certificate ends soon"; .certificate | values | .days_left <= 7 or (.issuer == "public-ca" and .days_left <= 30)),
  when("Main branch is broken"; .branch == "main" and any(.jobs[]; .status == "failed")),
  when("Slow pipeline"; any(.jobs[]; .seconds > 210)),
  when("Something timed out or was refused";
    ((.log // "") | test("error|timed out"; "i")) or ((.summary // "") | test("^timeout"))),
  when("Edge node without maintenance plan"; .type == "heartbeat" and (has("maintenance") | not))
][0] | values) as $rule ({}; .[$rule] += 1)
# Each failed deployment puts in a fact, which fires a rule of its own.
| .["Incident opened"] = .["Production deployment failed"]
