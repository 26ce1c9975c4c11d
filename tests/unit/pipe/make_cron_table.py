"""Makes cron_table.h: the next times of cron expressions as croniter, which is not ours, has them.

    .venv/bin/python tests/unit/pipe/make_cron_table.py > tests/unit/pipe/cron_table.h
"""
import datetime
import zoneinfo

import croniter

EXPRESSIONS = [
    "* * * * *", "*/15 * * * *", "0 3 * * *", "30 4 1,15 * *", "0 0 29 2 *", "5 0 * 8 *",
    "15 14 1 * *", "0 22 * * 1-5", "23 0-20/2 * * *", "0 0 * * 7", "0 12 * * mon", "0 0 13 * fri",
    "0 0 1 1 *", "59 23 31 12 *", "*/7 */5 */3 * *", "0 9-17/4 * jan-mar mon-fri",
    "10,20,50 6,18 * * *", "0 0 31 * *", "0 0 * * 6,0", "1-59/13 1 10-20 */2 *"]
STARTS = ["2026-11-21T20:00:30", "2027-02-27T23:59:00", "2028-12-31T23:59:59", "1999-03-14T03:00:00"]
# None of these is an hour that a clock skips or says twice: there programs differ on purpose.
LOCAL = ["0 3 * * *", "30 14 * * mon", "0 12 1 * *", "*/20 8-9 * * *"]
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
LOCAL_STARTS = ["2026-06-01T10:00:00", "2026-12-24T22:10:00", "2031-07-09T00:00:00",
                "2045-01-03T00:00:00"]


def row(expression, zone, start):
    moment = datetime.datetime.fromisoformat(start).replace(tzinfo=datetime.timezone.utc)
    local = moment.astimezone(zoneinfo.ZoneInfo(zone)) if zone else moment
    after = croniter.croniter(expression, local).get_next(datetime.datetime)
    return f'    {{"{expression}", "{zone}", {int(moment.timestamp())}, {int(after.timestamp())}}},'


print("/* Made by make_cron_table.py with croniter: expression, zone, a moment, and the next one. */")
for each in EXPRESSIONS:
    for begin in STARTS:
        print(row(each, "", begin))
for each in LOCAL:
    for name in ZONES:
        for begin in LOCAL_STARTS:
            print(row(each, name, begin))
