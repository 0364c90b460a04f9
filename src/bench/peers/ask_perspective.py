"""Asks Perspective six views over the tickets of a store's Parquet files, again after each of some updates.

Job: folder (of the store), rows (the newest so many are loaded; all when left out), updates, update_rows, windows
(`day`, `month`: where today and the last 30 days begin, µs). Prints one line: what loading, and each update until all six
answers were read again, took; and the answers after loading, by metric.
"""

import glob
import io
import json
import os
import sys
import time

try:
    import perspective
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    sys.exit(3)

COLUMNS = ["ts", "kind", "type", "board", "service", "rating", "open_delta", "since_dispatch_s"]


def ipc(table):
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def main():
    job = json.load(sys.stdin)
    files = sorted(glob.glob(os.path.join(job["folder"], "segments", "stream=tickets", "*", "*.parquet")))
    parts = [pq.ParquetFile(file).read(columns=COLUMNS) for file in files]
    tickets = pa.concat_tables(parts)
    # Perspective's times have milliseconds.
    tickets = tickets.set_column(0, "ts", tickets["ts"].cast(pa.timestamp("us")).cast(pa.timestamp("ms"), safe=False))
    tickets = tickets.combine_chunks()
    if job.get("rows"):
        tickets = tickets.slice(max(0, tickets.num_rows - job["rows"]))
    client = perspective.Server().new_local_client()
    began = time.perf_counter()
    table = client.table(ipc(tickets))
    loaded_s = time.perf_counter() - began
    day, month = (job["windows"][name] // 1000 for name in ("day", "month"))
    iso = lambda ms: time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms / 1000)) + ".000Z"
    since_day, since_month = ["ts", ">=", iso(day)], ["ts", ">=", iso(month)]
    wanted = {
        "open_now": ("kind", "open_delta", "sum", []),
        "solved_total": ("kind", "kind", "count", [["kind", "==", "finish"]]),
        "loop_today": ("kind", "kind", "count", [since_day]),
        "types_today": ("type", "kind", "count", [["kind", "==", "open"], since_day]),
        "rating_levels": ("rating", "kind", "count", [["kind", "==", "rate"], since_month]),
        "transfer_minutes": ("service", "since_dispatch_s", "avg",
                             [["kind", "==", "finish"], ["service", "==", "ask"], since_day]),
    }
    views = {
        name: table.view(group_by=[by], columns=[column], aggregates={column: how}, filter=filters)
        for name, (by, column, how, filters) in wanted.items()
    }
    # The first row of a view is the total of its groups.
    totals = {}
    for name, view in views.items():
        columns = view.to_columns()
        totals[name] = columns[wanted[name][1]][0] if columns.get(wanted[name][1]) else None
    rows = min(job["update_rows"], tickets.num_rows)
    update = ipc(tickets.slice(tickets.num_rows - rows))
    took = []
    for _ in range(job["updates"]):
        began = time.perf_counter()
        table.update(update)
        for view in views.values():
            view.to_arrow()
        took.append((time.perf_counter() - began) * 1e3)
    print(json.dumps({"version": perspective.__version__, "rows": tickets.num_rows, "metrics": list(views),
                      "loaded_s": loaded_s, "update_rows": rows, "update_ms": took, "totals": totals}))


main()
