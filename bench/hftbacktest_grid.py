"""The grid of the golden runs by hftbacktest, feed in memory and strategy compiled: prints {"one": seconds, "sweep": seconds, …} as JSON.

usage: hftbacktest_grid.py <feed> <grid:half spread,…>
"""
import json
import sys
import time

import numpy as np
from hftbacktest import LIMIT, HashMapMarketDepthBacktest
from hftbacktest.order import GTX
from hftbacktest_feed import asset, load
from numba import njit

MARKET = {'contract': 'linear', 'contractSize': 1.0, 'entryNs': 1_000_000, 'responseNs': 1_000_000, 'queue': ('power3', 3.0), 'fills': 'whole',
          'fees': {'per': 'value', 'maker': -0.00005, 'taker': 0.0007}, 'tick': 0.1, 'lot': 0.001}
STEP_NS = 500_000_000
QUANTITY, LIMIT_POSITION = 0.01, 0.1


@njit
def step(hbt, number, grid, half):
    hbt.clear_inactive_orders(0)
    depth = hbt.depth(0)
    both = depth.best_bid_tick + depth.best_ask_tick
    bid = ((both - 2 * half) // (2 * grid)) * grid
    ask = -((-(both + 2 * half)) // (2 * grid)) * grid
    position = hbt.position(0)
    buys = 3 if position + QUANTITY <= LIMIT_POSITION + 1e-9 else 0
    sells = 3 if position - QUANTITY >= -LIMIT_POSITION - 1e-9 else 0
    taken = np.zeros(6, np.int64)
    orders = hbt.orders(0).values()
    while orders.has_next():
        order = orders.get()
        place = -1
        for i in range(buys):
            if order.side == 1 and order.price_tick == bid - i * grid:
                place = i
        for i in range(sells):
            if order.side == -1 and order.price_tick == ask + i * grid:
                place = 3 + i
        if place >= 0:
            taken[place] = 1
        elif order.cancellable:
            hbt.cancel(0, order.order_id, False)
    for i in range(buys):
        if taken[i] == 0:
            number += 1
            hbt.submit_buy_order(0, number, (bid - i * grid) * depth.tick_size, QUANTITY, GTX, LIMIT, False)
    for i in range(sells):
        if taken[3 + i] == 0:
            number += 1
            hbt.submit_sell_order(0, number, (ask + i * grid) * depth.tick_size, QUANTITY, GTX, LIMIT, False)
    return number


@njit
def run(hbt, grid, half):
    hbt.elapse(0)
    number = 0
    k = 0
    while hbt.elapse(STEP_NS) == 0:
        k += 1
        if k * STEP_NS >= 10_000_000_000:
            number = step(hbt, number, grid, half)
    return k


def one(feed, grid, half):
    hbt = HashMapMarketDepthBacktest([asset(feed, None, MARKET)])
    run(hbt, grid, half)
    fills = hbt.state_values(0).num_trades
    hbt.close()
    return int(fills)


def main():
    feed = load(sys.argv[1])
    pairs = [tuple(map(int, text.split(':'))) for text in sys.argv[2].split(',')]
    # Compiles.
    fills = one(feed, 10, 5)
    ones = []
    for _ in range(7):
        started = time.perf_counter()
        one(feed, 10, 5)
        ones.append(time.perf_counter() - started)
    started = time.perf_counter()
    for grid, half in pairs:
        one(feed, grid, half)
    print(json.dumps({'one': min(ones), 'sweep': time.perf_counter() - started, 'fills': fills}))


if __name__ == '__main__':
    main()
