/** What statistics are made of, and for which stretches. */
export interface StatisticsOptions {
  /** A row per UTC day, or one for all. */
  readonly by: 'day' | 'whole'
  /** Days of a year that have trading: 365 for crypto, 252 for most exchanges. */
  readonly yearDays: number
}

/** Whether rows with these columns are those of a backtest. */
export function isBacktest(columns: ReadonlySet<string>): boolean {
  return ['kind', 'session_ns', 'equity', 'quantity_sent'].every((name) => columns.has(name))
}

/** SQL of a column beside those of a backtest's rows: what the bar of a sample gained; NULL in rows of other kinds. */
export const GAIN_SQL = `CASE WHEN kind = 'sample' THEN equity - coalesce(lag(equity IGNORE NULLS) OVER (PARTITION BY venue, symbol, variant, session_ns, kind ORDER BY bar_end_ns), 0) END`

/**
 * SQL for the statistics of a backtest's table, which is the view `t`: a row per instrument and variant, and day where asked for.
 *
 * With e the equity at the samples (each session begins at 0, and its gains are added to those of the sessions before), r its changes
 * and N samples a day (BACKTEST §9): gain = Σ r; annual_gain = gain / days · yearDays; sharpe = mean(r) / std(r) · √(N · yearDays), std with
 * divisor n − 1; sortino = mean(r) / √mean(min(0, r)²) · √(N · yearDays); max_drawdown = the greatest fall of e below what it was
 * before. fill_ratio = quantity filled ÷ quantity sent; maker_share of the quantity filled. A ratio without a divisor, or of fewer
 * than two samples, is NULL.
 */
export function statisticsSql({ by, yearDays }: StatisticsOptions): string {
  const group = `venue, symbol, variant${by === 'day' ? ', date' : ''}`
  const session = 'partition by venue, symbol, variant, session_ns order by bar_end_ns'
  const change = (column: string): string => `${column} - coalesce(lag(${column}) over (${session}), 0) as d_${column}`
  const changes = ['equity', 'fees', 'turnover', 'volume', 'fills', 'orders_sent', 'quantity_sent', 'beyond_depth', 'on_old_book']
  const annual = `sqrt(86400e9 / min(bar_end_ns - bar_start_ns) * ${yearDays})`
  const days = `((max(bar_end_ns) - min(bar_start_ns)) / 86400e9)`
  return `
with samples as (select * from t where kind = 'sample' and equity is not null),
changed as (select *, ${changes.map(change).join(', ')} from samples),
curve as (select *, sum(d_equity) over (partition by ${group} order by bar_end_ns rows unbounded preceding) as e from changed),
falls as (select *, greatest(0, max(e) over (partition by ${group} order by bar_end_ns rows unbounded preceding)) - e as fall from curve),
filled as (
  select ${group}, sum(quantity) as quantity, sum(quantity) filter (is_maker) as maker,
    ${['queue', 'through', 'cross', 'take'].map((reason) => `count(*) filter (reason = '${reason}') as by_${reason}`).join(', ')}
  from t where kind = 'fill' group by ${group}
),
whole as (
  select ${group}, count(*) as samples, sum(d_equity) as gain, sum(d_equity) / ${days} * ${yearDays} as annual_gain,
    case when count(*) > 1 then avg(d_equity) / nullif(stddev_samp(d_equity), 0) * ${annual} end as sharpe,
    case when count(*) > 1 then avg(d_equity) / nullif(sqrt(avg(least(0, d_equity) ** 2)), 0) * ${annual} end as sortino,
    max(fall) as max_drawdown, sum(d_equity) / nullif(max(fall), 0) as gain_over_drawdown,
    sum(d_turnover) as turnover, sum(d_equity) / nullif(sum(d_turnover), 0) as gain_over_turnover,
    sum(d_fees) as fees, sum(d_fills)::bigint as fills, sum(d_volume) as volume, sum(d_orders_sent)::bigint as orders_sent,
    sum(d_volume) / nullif(sum(d_quantity_sent), 0) as fill_ratio,
    min(position) as min_position, max(position) as max_position, avg(abs(position)) as mean_position,
    sum(d_beyond_depth)::bigint as beyond_depth, sum(d_on_old_book)::bigint as on_old_book
  from falls group by ${group}
)
select whole.*, coalesce(filled.maker, 0) / nullif(filled.quantity, 0) as maker_share,
  ${['queue', 'through', 'cross', 'take'].map((reason) => `coalesce(filled.by_${reason}, 0) as by_${reason}`).join(', ')}
from whole left join filled using (${group}) order by ${group}`
}
