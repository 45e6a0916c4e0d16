"""What hftbacktest is given: a feed from a file, and an asset as a market's settings say."""
import numpy as np
from hftbacktest import BUY_EVENT, DEPTH_EVENT, DEPTH_SNAPSHOT_EVENT, SELL_EVENT, TRADE_EVENT, BacktestAsset
from hftbacktest.data.validation import correct_event_order, validate_event_order
from hftbacktest.types import event_dtype

KINDS = {1: DEPTH_EVENT | BUY_EVENT, 2: DEPTH_EVENT | SELL_EVENT, 3: TRADE_EVENT | BUY_EVENT, 4: TRADE_EVENT | SELL_EVENT,
         11: DEPTH_SNAPSHOT_EVENT | BUY_EVENT, 12: DEPTH_SNAPSHOT_EVENT | SELL_EVENT}
ROW = np.dtype([('kind', 'i8'), ('exch', 'i8'), ('local', 'i8'), ('px', 'f8'), ('qty', 'f8')])
LATENCY = np.dtype([('req_ts', 'i8'), ('exch_ts', 'i8'), ('resp_ts', 'i8'), ('_padding', 'i8')], align=True)


def load(file):
    """Rows (kind, exchange ns, local ns, price, quantity), in the order of local times."""
    raw = np.fromfile(file, ROW)
    data = np.zeros(len(raw), event_dtype)
    for kind, flags in KINDS.items():
        data['ev'][raw['kind'] == kind] = flags
    data['exch_ts'], data['local_ts'], data['px'], data['qty'] = raw['exch'], raw['local'], raw['px'], raw['qty']
    by_exchange = np.argsort(data['exch_ts'], kind='mergesort')
    by_local = np.argsort(data['local_ts'], kind='mergesort')
    feed = correct_event_order(data, by_exchange, by_local)
    validate_event_order(feed)
    return feed


def asset(feed, latencies, spec):
    made = BacktestAsset().data(feed)
    made = made.inverse_asset(spec['contractSize']) if spec['contract'] == 'inverse' else made.linear_asset(spec['contractSize'])
    if latencies is not None:
        made = made.intp_order_latency(latencies)
    else:
        made = made.constant_order_latency(spec['entryNs'], spec['responseNs'])
    name, n = spec['queue']
    queues = {'risk': made.risk_adverse_queue_model, 'log': made.log_prob_queue_model, 'log2': made.log_prob_queue_model2,
              'power1': lambda: made.power_prob_queue_model(n), 'power2': lambda: made.power_prob_queue_model2(n),
              'power3': lambda: made.power_prob_queue_model3(n)}
    made = queues[name]()
    made = made.partial_fill_exchange() if spec['fills'] == 'partial' else made.no_partial_fill_exchange()
    fees = {'value': made.trading_value_fee_model, 'quantity': made.trading_qty_fee_model, 'trade': made.flat_per_trade_fee_model}
    made = fees[spec['fees']['per']](spec['fees']['maker'], spec['fees']['taker'])
    return made.tick_size(spec['tick']).lot_size(spec['lot']).last_trades_capacity(0)
