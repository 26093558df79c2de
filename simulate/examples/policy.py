#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A policy in a few lines, to begin with: each domain is to hold what it uses
# and a quarter more; what is left goes to all in equal parts.
#
#     xenballoon simulate --policy-command ./policy.py swap.scenario

import json
import sys

for line in sys.stdin:
    seen = json.loads(line)
    domains = [d for d in seen["domains"] if d["voice"] == "good"]
    targets = {}
    for d in domains:
        used = d["current_kib"] - d["report"]["available_kib"]
        swapped = d["report"]["swap_total_kib"] - d["report"]["swap_free_kib"]
        targets[d["domid"]] = max(d["floor_kib"], (used + swapped) * 5 // 4)
    spare = seen["total_kib"] - seen["reserve_kib"] - sum(targets.values())
    if domains and spare > 0:
        for d in domains:
            targets[d["domid"]] += spare // len(domains)
    print(json.dumps({"targets": [{"domid": domid, "target_kib": kib}
                                  for domid, kib in targets.items()]}),
          flush=True)
