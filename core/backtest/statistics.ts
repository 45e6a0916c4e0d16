/** What statistics are made of, and for which stretches. */
export interface StatisticsOptions extends StatisticsTerms {
  /** A row per UTC day, or one for all. */
  readonly by: 'day' | 'whole'
}

/** What they are relative to. */
export interface StatisticsTerms {
  /** Days of a year that have trading: 365 for crypto, 252 for most exchanges. */
  readonly yearDays: number
  /** What a row's instrument and variant may put at stake, in the money of its rows: adds what is relative to it. @default no such columns */
  readonly bookSize?: number | undefined
}

/** Whether rows with these columns are those of a backtest. */
export function isBacktest(columns: ReadonlySet<string>): boolean {
  return ['kind', 'session_ns', 'equity', 'quantity_sent', 'fills_in_flight'].every((name) => columns.has(name))
}

/** SQL of a column beside those of a backtest's rows: what the bar of a sample gained; NULL in rows of other kinds. */
export const GAIN_SQL = `CASE WHEN kind = 'sample' THEN equity - coalesce(lag(equity IGNORE NULLS) OVER (PARTITION BY venue, symbol, variant, session_ns, kind ORDER BY bar_end_ns), 0) END`

/**
 * SQL for the statistics of a backtest's table, which is the view `t`: a row per instrument and variant, and day where asked for.
 *
 * With e the equity at the samples (each session begins at 0, and its gains are added to those of the sessions before), r its changes,
 * N samples a day and D the days from the begin of the first bar to the end of the last (BACKTEST §9): gain = Σ r; annual_gain =
 * gain / D · yearDays; sharpe = mean(r) / std(r) · √(N · yearDays), std with divisor n − 1; sortino = mean(r) / √mean(min(0, r)²) ·
 * √(N · yearDays); max_drawdown = the greatest fall of e below what it was before; turnover = the value of all fills; daily_… = … / D;
 * …_position_value of |position| · contract size · mid (inverse contracts: / mid) at the samples. All of that is money or counts; with a
 * book size, return, annual_return, max_drawdown_ratio, turnover_ratio and max_leverage are gain, annual_gain, max_drawdown, turnover and
 * max_position_value divided by it. fill_ratio = quantity filled ÷ quantity sent; maker_share of the quantity filled. A ratio without a
 * divisor is NULL, as is one of fewer than two samples. fills_in_flight and position_in_flight of the last sample of each session, of
 * which no row tells any more.
 */
export function statisticsSql({ by, yearDays, bookSize }: StatisticsOptions): string {
  const group = `venue, symbol, variant${by === 'day' ? ', date' : ''}`
  const session = 'partition by venue, symbol, variant, session_ns order by bar_end_ns'
  const change = (column: string): string => `${column} - coalesce(lag(${column}) over (${session}), 0) as d_${column}`
  const changes = ['equity', 'fees', 'turnover', 'volume', 'fills', 'orders_sent', 'quantity_sent', 'beyond_depth', 'on_old_book']
  // In order of time: floats that threads add up as they come differ in their last digits from call to call.
  const sum = (sql: string): string => `sum(${sql} order by bar_end_ns)`
  const mean = (sql: string): string => `avg(${sql} order by bar_end_ns)`
  const annual = `sqrt(86400e9 / min(bar_end_ns - bar_start_ns) * ${yearDays})`
  const days = `((max(bar_end_ns) - min(bar_start_ns)) / 86400e9)`
  const ratio = (sql: string): string => `case when count(*) > 1 then ${sql} end`
  const ofBook = (name: string, sql: string): string =>
    bookSize === undefined ? '' : `${ratio(`${sql} / ${bookSize}::double`)} as ${name},`
  return `
with samples as (select * from t where kind = 'sample' and equity is not null),
${CONTRACTS_SQL},
changed as (select *, ${changes.map(change).join(', ')} from samples),
curve as (select *, sum(d_equity) over (partition by ${group} order by bar_end_ns rows unbounded preceding) as e from changed),
falls as (select *, greatest(0, max(e) over (partition by ${group} order by bar_end_ns rows unbounded preceding)) - e as fall from curve),
valued as (select falls.*, ${POSITION_VALUE_SQL} as position_value from falls left join contracts using (venue, symbol, variant)),
filled as (
  select ${group}, ${FILLED_SQL} as quantity, ${FILLED_SQL} filter (is_maker) as maker,
    ${['queue', 'through', 'cross', 'take'].map((reason) => `count(*) filter (reason = '${reason}') as by_${reason}`).join(', ')}
  from t where kind = 'fill' group by ${group}
),
ended as (
  select ${group}, sum(fills_in_flight)::bigint as fills_in_flight, ${sum('position_in_flight')} as position_in_flight
  from (select *, lead(bar_end_ns) over (${session}) as next_ns from t where kind = 'sample') where next_ns is null group by ${group}
),
whole as (
  select ${group}, count(*) as samples, ${sum('d_equity')} as gain, ${ratio(`${sum('d_equity')} / ${days} * ${yearDays}`)} as annual_gain,
    ${ofBook('return', sum('d_equity'))} ${ofBook('annual_return', `${sum('d_equity')} / ${days} * ${yearDays}`)}
    ${ratio(`${mean('d_equity')} / nullif(stddev_samp(d_equity order by bar_end_ns), 0) * ${annual}`)} as sharpe,
    ${ratio(`${mean('d_equity')} / nullif(sqrt(${mean('least(0, d_equity) ** 2')}), 0) * ${annual}`)} as sortino,
    max(fall) as max_drawdown, ${ofBook('max_drawdown_ratio', 'max(fall)')}
    ${ratio(`${sum('d_equity')} / nullif(max(fall), 0)`)} as gain_over_drawdown,
    ${sum('d_turnover')} as turnover, ${ratio(`${sum('d_turnover')} / ${days}`)} as daily_turnover,
    ${ofBook('turnover_ratio', sum('d_turnover'))}
    ${ratio(`${sum('d_equity')} / nullif(${sum('d_turnover')}, 0)`)} as gain_over_turnover, ${sum('d_fees')} as fees,
    sum(d_fills)::bigint as fills, ${ratio(`sum(d_fills) / ${days}`)} as daily_fills,
    ${sum('d_volume')} as volume, ${ratio(`${sum('d_volume')} / ${days}`)} as daily_volume,
    sum(d_orders_sent)::bigint as orders_sent, ${sum('d_volume')} / nullif(${sum('d_quantity_sent')}, 0) as fill_ratio,
    min(position) as min_position, max(position) as max_position, ${mean('abs(position)')} as mean_position,
    max(position_value) as max_position_value, ${mean('position_value')} as mean_position_value,
    median(position_value) as median_position_value, ${ofBook('max_leverage', 'max(position_value)')}
    sum(d_beyond_depth)::bigint as beyond_depth, sum(d_on_old_book)::bigint as on_old_book
  from valued group by ${group}
)
select whole.*, fills_in_flight, position_in_flight, coalesce(filled.maker, 0) / nullif(filled.quantity, 0) as maker_share,
  ${['queue', 'through', 'cross', 'take'].map((reason) => `coalesce(filled.by_${reason}, 0) as by_${reason}`).join(', ')}
from whole left join filled using (${group}) left join ended using (${group}) order by ${group}`
}

const FILLED_SQL = 'sum(quantity order by local_ns, order_id, quantity)'

/**
 * Contracts of instruments and variants, which rows do not name. The first fill of a session is all the turnover there is until then, so
 * that it gives the contract's size, were it linear, and were it inverse. Of the two, it is the one by which cash and position at the mid
 * price come to the equity (BACKTEST §8). Where both do, the mid has been the price of the fills, and the position's value is the same.
 */
const CONTRACTS_SQL = `first_fills as (
  select venue, symbol, variant, min(turnover / (price * quantity)) as linear_size, min(turnover * price / quantity) as inverse_size
  from t where kind = 'fill' and fills = 1 group by venue, symbol, variant
),
contracts as (
  select venue, symbol, variant, linear_size, inverse_size,
    sum(abs(-cash - inverse_size * position / mid - fees - equity)) < sum(abs(cash + linear_size * position * mid - fees - equity)) as is_inverse
  from t join first_fills using (venue, symbol, variant) where kind = 'sample'
  group by venue, symbol, variant, linear_size, inverse_size
)`

/** NULL where a position is held whose contract no fill tells of. */
const POSITION_VALUE_SQL = `case when position = 0 then 0 when is_inverse then inverse_size * abs(position) / mid
  when not is_inverse then linear_size * abs(position) * mid end`
