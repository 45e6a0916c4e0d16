"""Runs of hftbacktest as a JSON document says, each printed as a JSON line: its fills and what the account came to.

usage: run_hftbacktest.py <document>
The document has `feeds`, files of rows (kind, exchange ns, local ns, price, quantity), in the order of local times, and `runs`. What a
strategy does is a table: at step k, of a price relative to the local best of its side (to `base` where it is empty).
"""
import json
import os
import sys

import numpy as np
from hftbacktest import LIMIT, HashMapMarketDepthBacktest
from hftbacktest.order import CANCELED, EXPIRED, FILLED, FOK, GTC, GTX, IOC, MARKET, NEW, NONE
from numba import njit

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', '..', 'bench'))
from hftbacktest_feed import LATENCY, asset, load  # noqa: E402

# As the table has them.
TIMES_IN_FORCE = (GTC, GTX, IOC, FOK)
SEND, CANCEL, MODIFY, SEND_MARKET = 0, 1, 2, 3


@njit
def observe(hbt, sides, leaves, fills, quantities, counts, is_whole):
    """Every change of what is left of an order is a fill; where orders fill whole, what is left changes by modifying, too."""
    now = hbt.current_timestamp
    orders = hbt.orders(0).values()
    while orders.has_next():
        order = orders.get()
        number = order.order_id
        quantity = 0.0
        if is_whole:
            if order.status == FILLED and leaves[number] > 0:
                quantity = order.exec_qty
                leaves[number] = 0.0
        else:
            quantity = leaves[number] - order.leaves_qty
            leaves[number] = order.leaves_qty
        if quantity > 1e-12:
            n = counts[0]
            fills[n, 0] = order.exch_timestamp
            fills[n, 1] = now
            fills[n, 2] = number
            fills[n, 3] = sides[number]
            fills[n, 4] = order.exec_price_tick
            fills[n, 5] = 1 if order.arr[0].maker else 0
            # The time of what ended the order later.
            fills[n, 6] = 1 if order.status == CANCELED or order.status == EXPIRED else 0
            quantities[n] = quantity
            counts[0] += 1


@njit
def act(hbt, row, base, sides, leaves):
    what, number, side, quantity = int(row[1]), int(row[2]), int(row[3]), row[5]
    depth = hbt.depth(0)
    price = depth.best_bid if side > 0 else depth.best_ask
    # A side may be empty for a while.
    best = base if np.isnan(price) else depth.best_bid_tick if side > 0 else depth.best_ask_tick
    price = (best + int(row[4])) * depth.tick_size
    if what == SEND or what == SEND_MARKET:
        sides[number] = side
        leaves[number] = quantity
        kind = MARKET if what == SEND_MARKET else LIMIT
        force = int(row[6])
        if side > 0:
            hbt.submit_buy_order(0, number, price, quantity, force, kind, False)
        else:
            hbt.submit_sell_order(0, number, price, quantity, force, kind, False)
    elif number in hbt.orders(0):
        order = hbt.orders(0).get(number)
        if what == CANCEL:
            if order.cancellable:
                hbt.cancel(0, number, False)
        elif order.status == NEW and order.req == NONE:
            hbt.modify(0, number, price, quantity, False)


@njit
def run(hbt, step, steps, table, base, is_whole, sides, leaves, fills, quantities, counts):
    hbt.elapse(0)
    origin = hbt.current_timestamp
    at = 0
    for k in range(1, steps + 1):
        target = origin + k * step
        while hbt.current_timestamp < target:
            met = hbt.wait_next_feed(True, target - hbt.current_timestamp)
            if met != 0 and met != 2 and met != 3:
                return met
            observe(hbt, sides, leaves, fills, quantities, counts, is_whole)
        hbt.clear_inactive_orders(0)
        while at < len(table) and table[at, 0] == k:
            act(hbt, table[at], base, sides, leaves)
            at += 1
    return 0


def one(feed, spec):
    table = np.array(spec['actions'], np.float64).reshape(-1, 7)
    for row in table:
        row[6] = TIMES_IN_FORCE[int(row[6])]
    size = len(table) + 2
    counts = np.zeros(1, np.int64)
    fills, quantities = np.zeros((64 * size, 7), np.int64), np.zeros(64 * size)
    # The library keeps no hold of it, but a pointer.
    latencies = np.array([tuple(map(int, row)) + (0,) for row in spec['table']], LATENCY) if 'table' in spec else None
    hbt = HashMapMarketDepthBacktest([asset(feed, latencies, spec)])
    stopped = run(hbt, spec['stepNs'], spec['steps'], table, spec['base'], spec['fills'] == 'whole', np.zeros(size, np.int64), np.zeros(size), fills,
                  quantities, counts)
    state = hbt.state_values(0)
    totals = [state.position, state.balance, state.fee, state.num_trades, state.trading_volume, state.trading_value]
    hbt.close()
    n = int(counts[0])
    rows = [[str(fills[i, 0]), str(fills[i, 1])] + [int(x) for x in fills[i, 2:]] + [float(quantities[i])] for i in range(n)]
    return {'stopped': int(stopped), 'fills': rows, 'totals': [float(x) for x in totals]}


def main():
    with open(sys.argv[1]) as file:
        document = json.load(file)
    feeds = [load(file) for file in document['feeds']]
    for spec in document['runs']:
        print(json.dumps(one(feeds[spec['feed']], spec)), flush=True)


if __name__ == '__main__':
    main()
