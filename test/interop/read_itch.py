"""Reads an ITCH 5.0 day file, decompressed, by the parser of itchfeed and prints, by IMPORT.md's rules, what its messages mean:
a line per stock, JSON: the order events and the trades as texts, fields joined by commas.

usage: read_itch.py FILE
"""
import json
import sys
from collections import defaultdict

from itch.parser import MessageParser

l3 = defaultdict(list)
trades = defaultdict(list)
names = {}
orders = {}  # reference -> [stock, side, shares, price]


def stock(message):
    return message.stock.decode().rstrip()


def take(reference, shares):
    """Shares of a resting order; the order goes with the last of them."""
    found = orders[reference]
    found[2] -= shares
    if found[2] == 0:
        del orders[reference]
    return found[0], found[1], found[3]


def executed(number, message, price, is_trade):
    reference, shares = message.order_reference_number, message.executed_shares
    name, side, own = take(reference, shares)
    at = own if price is None else price
    ids = [reference, 0] if side == "B" else [0, reference]
    l3[name].append([number, message.timestamp, "trade", *ids, at, shares])
    if is_trade:
        trades[name].append([message.timestamp, at, shares, message.match_number, *ids, int(side == "B")])


def add(number, message, reference, name, side):
    orders[reference] = [name, side, message.shares, message.price]
    l3[name].append([number, message.timestamp, "add", reference, side, message.price, message.shares])


with open(sys.argv[1], "rb") as file:
    for number, message in enumerate(MessageParser().parse_file(file), 1):
        kind = message.message_type.decode()
        if kind in "AF":
            add(number, message, message.order_reference_number, stock(message), message.buy_sell_indicator.decode())
        elif kind == "E":
            executed(number, message, None, True)
        elif kind == "C":
            executed(number, message, message.execution_price, message.printable == b"Y")
        elif kind == "X":
            name, _, _ = take(message.order_reference_number, message.cancelled_shares)
            l3[name].append([number, message.timestamp, "cancel", message.order_reference_number, message.cancelled_shares])
        elif kind in "DU":
            name, side, shares, _ = orders.pop(message.order_reference_number)
            l3[name].append([number, message.timestamp, "cancel", message.order_reference_number, shares])
            if kind == "U":
                add(number, message, message.new_order_reference_number, name, side)
        elif kind == "P":
            name = stock(message)
            l3[name].append([number, message.timestamp, "trade", 0, 0, message.price, message.shares])
            trades[name].append([message.timestamp, message.price, message.shares, message.match_number, 0, 0, 0])
        elif kind == "Q" and message.shares > 0:
            trades[stock(message)].append([message.timestamp, message.cross_price, message.shares, message.match_number, 0, 0, 0])

for name in sorted(l3.keys() | trades.keys()):
    lines = {"stock": name}
    for stream, rows in (("l3", l3[name]), ("trades", trades[name])):
        lines[stream] = [",".join(str(value) for value in row) for row in rows]
    print(json.dumps(lines))
