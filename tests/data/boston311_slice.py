"""Cuts the slices of Boston 311 that ship with the program, and computes their figures, independently of it.

    python3 tests/data/boston311_slice.py PATH/TO/tickets.csv.gz

Writes, beside itself, `boston311-slice.csv.gz` (the day of the hurricane and the day the clocks went back) with
`boston311-slice.expected.json`, and `assets/samples/boston311-2011-08.csv.gz` (the eleven days around the hurricane).
Source: Boston's 311 service requests, City of Boston, Public Domain Dedication and License. Free text and street
addresses are left out: the columns stay, empty.
"""

import collections
import csv
import datetime
import gzip
import io
import json
import pathlib
import sys
import zoneinfo

ZONE = zoneinfo.ZoneInfo("America/New_York")
HERE = pathlib.Path(__file__).parent
EMPTIED = ["closure_reason", "location", "location_street_name", "submittedphoto", "closedphoto"]


def instant(text):
    """Seconds since 1970; the repeated hour is the first (fold=0)."""
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp())


def write(path, columns, rows):
    text = io.StringIO()
    out = csv.DictWriter(text, columns, lineterminator="\n")
    out.writeheader()
    out.writerows(rows)
    # No name and no time in the file, so that the same rows are the same bytes.
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(text.getvalue().encode())


def figures(rows):
    opened = [instant(row["open_dt"]) for row in rows]
    due = [instant(row["target_dt"]) if row["target_dt"] else None for row in rows]
    closed = [instant(row["closed_dt"]) if row["closed_dt"] else None for row in rows]
    finished = [(o, d, c) for o, d, c in zip(opened, due, closed) if c is not None]
    day = instant("2011-08-29 00:00:00")
    hours = collections.Counter(int(row["open_dt"][11:13]) for row in rows)
    count = lambda column: dict(collections.Counter(row[column] for row in rows).most_common())
    return {
        "tickets": len(rows),
        "finished": len(finished),
        "with_due": sum(d is not None for d in due),
        "finished_after_due": sum(d is not None and c > d for _, d, c in finished),
        "finished_by_due": sum(d is not None and c <= d for _, d, c in finished),
        "closed_in_the_second_it_opened": sum(o == c for o, _, c in finished),
        "open_at_2011_08_29": sum(o < day and (c is None or c >= day) for o, c in zip(opened, closed)),
        "sum_elapsed_s": sum(c - o for o, _, c in finished),
        "max_elapsed_s": max(c - o for o, _, c in finished),
        "opened_by_local_day": count_days(rows),
        "opened_by_local_hour": [hours[hour] for hour in range(24)],
        "by_channel": count("source"),
        "by_department": count("department"),
        "tree_emergencies": sum(row["type"] == "Tree Emergencies" for row in rows),
        "areas": len({row["neighborhood"].strip() for row in rows} - {""}),
        "rows_on_the_fallback_point": sum(
            (row["latitude"], row["longitude"]) == ("42.3594", "-71.0587") for row in rows
        ),
    }


def count_days(rows):
    return dict(sorted(collections.Counter(row["open_dt"][:10] for row in rows).items()))


def main(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames
        rows = [{**row, **{name: "" for name in EMPTIED}} for row in reader]
    slice_rows = [row for row in rows if row["open_dt"][:10] in ("2011-08-28", "2011-11-06")]
    write(HERE / "boston311-slice.csv.gz", columns, slice_rows)
    with open(HERE / "boston311-slice.expected.json", "w", encoding="utf-8") as out:
        json.dump(figures(slice_rows), out, indent=1)
        out.write("\n")
    storm = [row for row in rows if "2011-08-22" <= row["open_dt"][:10] <= "2011-09-01"]
    write(HERE.parent.parent / "assets/samples/boston311-2011-08.csv.gz", columns, storm)
    print(len(slice_rows), len(storm))


main(sys.argv[1])
