"""Decodes DBN files, decompressed, by the official decoder and prints a JSON line for each: its records as texts, joined by commas.

usage: read_dbn.py FILE...   records of mbo, trades and mbp-1; of others their header alone
"""
import json
import sys

import databento_dbn as dbn


def flags(record):
    return int(record.flags)


def row(record):
    head = [int(record.rtype), int(record.publisher_id), record.instrument_id, record.ts_event]
    kind = type(record).__name__
    if kind == "MBOMsg":
        own = [record.order_id, record.price, record.size, flags(record), record.channel_id, record.action, record.side]
        own += [record.ts_recv, record.ts_in_delta, record.sequence]
    elif kind in ("TradeMsg", "MBP1Msg"):
        own = [record.price, record.size, record.action, record.side, flags(record), record.depth]
        own += [record.ts_recv, record.ts_in_delta, record.sequence]
        for level in getattr(record, "levels", []) or []:
            own += [level.bid_px, level.ask_px, level.bid_sz, level.ask_sz, level.bid_ct, level.ask_ct]
    else:
        own = []
    return ",".join(str(value) for value in head + own)


for path in sys.argv[1:]:
    decoder = dbn.DBNDecoder(upgrade_policy=dbn.VersionUpgradePolicy.AS_IS)
    with open(path, "rb") as file:
        decoder.write(file.read())
    records = [record for record in decoder.decode() if not isinstance(record, dbn.Metadata)]
    print(json.dumps({"rows": [row(record) for record in records]}))
