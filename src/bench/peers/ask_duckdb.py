"""Asks DuckDB the questions of a job over a store's Parquet files, and prints what each took and gave.

Job: folder (of the store), tables (a folder of small Parquet files, or nothing), boards (each a view over tickets),
questions ([name, SQL]), repeat, rows (whether to print the answers), now_us and zone (what the clock functions say).
"""

import datetime
import decimal
import glob
import json
import math
import os
import re
import sys
import time

try:
    import duckdb
except ImportError:
    sys.exit(3)

EPOCH = datetime.datetime(1970, 1, 1)


def quoted(text):
    return "'" + str(text).replace("'", "''") + "'"


def said(sql):
    """The words that DuckDB has for DataFusion's."""
    for ours, theirs in (
        (r"\bapprox_percentile_cont\(", "approx_quantile("),
        (r"\bapprox_distinct\(", "approx_count_distinct("),
        (r"\bgenerate_series\(", "series("),
        (r"\bfirst_value\((?=[^()]* ORDER BY)", "first("),
        (r"\bnow\(\)", "clock()"),
    ):
        sql = re.sub(ours, theirs, sql)
    return sql


def with_plain_times(con, sql):
    """The question with its instants as microseconds: Python takes them only with a package more."""
    columns = con.execute(f"DESCRIBE {sql}").fetchall()
    if not any(column[1] == "TIMESTAMP WITH TIME ZONE" for column in columns):
        return sql
    names = []
    for name, kind, *_ in columns:
        name = '"' + name.replace('"', '""') + '"'
        names.append(f"epoch_us({name}) AS {name}" if kind == "TIMESTAMP WITH TIME ZONE" else name)
    return f"SELECT {', '.join(names)} FROM ({sql})"


def cell(value):
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // datetime.timedelta(microseconds=1)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def connect(job):
    con = duckdb.connect()
    con.execute("SET TimeZone='UTC'")
    for stream in ("contacts", "tickets", "seats", "registry", "activities", "signals"):
        files = os.path.join(job["folder"], "segments", f"stream={stream}", "*", "*.parquet")
        if glob.glob(files):
            con.execute(f"CREATE VIEW {stream} AS SELECT * FROM read_parquet({quoted(files)}, hive_partitioning=false)")
    for board in job.get("boards", []):
        con.execute(f'CREATE VIEW "{board}" AS SELECT * FROM tickets WHERE board = {quoted(board)}')
    for path in glob.glob(os.path.join(job["tables"], "*.parquet")) if job.get("tables") else []:
        name = os.path.splitext(os.path.basename(path))[0]
        con.execute(f'CREATE TABLE "{name}" AS SELECT * FROM read_parquet({quoted(path)})')
    if "now_us" in job:
        zone = quoted(job["zone"])
        con.execute(f"CREATE MACRO clock() AS make_timestamptz({int(job['now_us'])})")
        con.execute("CREATE MACRO instant(n) AS make_timestamptz(n)")
        con.execute(f"CREATE MACRO local_time(t) AS timezone({zone}, t)")
        day = f"timezone({zone}, date_trunc('day', timezone({zone}, clock()))"
        con.execute(f"CREATE MACRO day_start() AS {day}), (n) AS {day} + to_days(CAST(n AS INTEGER)))")
    series = "SELECT generate_series AS value FROM generate_series"
    con.execute(f"CREATE MACRO series(a, b) AS TABLE ({series}(a, b)), (a, b, c) AS TABLE ({series}(a, b, c))")
    return con


def main():
    job = json.load(sys.stdin)
    con = connect(job)
    for name, sql in job["questions"]:
        answer = {"name": name, "version": duckdb.__version__}
        try:
            sql = with_plain_times(con, said(sql))
            for _ in range(job["repeat"]):
                began, cpu = time.perf_counter(), time.process_time()
                rows = con.execute(sql).fetchall()
                ms, cpu_ms = (time.perf_counter() - began) * 1e3, (time.process_time() - cpu) * 1e3
                if ms < answer.get("ms", math.inf):
                    answer["ms"], answer["cpu_ms"] = ms, cpu_ms
            if job.get("rows"):
                answer["rows"] = [[cell(value) for value in row] for row in rows]
        except Exception as error:
            answer = {"name": name, "error": str(error).splitlines()[0], "version": duckdb.__version__}
        print(json.dumps(answer), flush=True)


main()
