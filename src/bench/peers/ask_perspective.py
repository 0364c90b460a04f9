"""Asks Perspective some views over the tickets of a store's Parquet files, again after each of some updates.

Job: folder (of the store), updates, update_rows, views ([name, column to group by, column, aggregate, filters], times as µs).
Prints one line: what loading, and each update until all answers were read again, took; and the answers after loading, by
view: the total and each group's value.
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


def ipc(table):
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def said(column, how, value):
    """A filter in Perspective's words."""
    if column == "ts":
        value = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(value // 1_000_000)) + ".000Z"
    return [column, how, value]


def answer(view, column):
    """The first row of a view is the total of its groups."""
    columns = view.to_columns()
    paths, values = columns.get("__ROW_PATH__", []), columns.get(column, [])
    groups = {path[0]: value for path, value in zip(paths, values) if path and path[0] is not None}
    return {"total": values[0] if values else None, "groups": groups}


def main():
    job = json.load(sys.stdin)
    used = {"ts"} | {column for _, by, column, _, filters in job["views"] for column in (by, column, *(f[0] for f in filters))}
    files = sorted(glob.glob(os.path.join(job["folder"], "segments", "stream=tickets", "*", "*.parquet")))
    tickets = pa.concat_tables([pq.ParquetFile(file).read(columns=sorted(used)) for file in files])
    # Perspective's times have milliseconds.
    place = tickets.schema.get_field_index("ts")
    tickets = tickets.set_column(place, "ts", tickets["ts"].cast(pa.timestamp("us")).cast(pa.timestamp("ms"), safe=False))
    tickets = tickets.combine_chunks()
    client = perspective.Server().new_local_client()
    began = time.perf_counter()
    table = client.table(ipc(tickets))
    loaded_s = time.perf_counter() - began
    views = {
        name: table.view(group_by=[by], columns=[column], aggregates={column: how}, filter=[said(*f) for f in filters])
        for name, by, column, how, filters in job["views"]
    }
    answers = {name: answer(views[name], column) for name, _, column, _, _ in job["views"]}
    rows = min(job["update_rows"], tickets.num_rows)
    update = ipc(tickets.slice(tickets.num_rows - rows))
    took = []
    for _ in range(job["updates"]):
        began = time.perf_counter()
        table.update(update)
        for view in views.values():
            view.to_arrow()
        took.append((time.perf_counter() - began) * 1e3)
    print(json.dumps({"version": perspective.__version__, "rows": tickets.num_rows, "loaded_s": loaded_s,
                      "update_rows": rows, "update_ms": took, "answers": answers}))


main()
